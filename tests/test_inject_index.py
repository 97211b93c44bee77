#!/usr/bin/env python3
"""The rules about injection, where other files decide: kustomize bases, overlays and patches.

    test_inject_index.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")


def deployment(entry, place="annotations"):
    return ("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\nspec:\n  template:\n    metadata:\n"
            f"      {place}:\n        {entry}\n")


def namespace(name, label):
    return f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  labels:\n    {label}\n"


TRUE = 'sidecar.istio.io/inject: "true"'
FALSE = 'sidecar.istio.io/inject: "false"'
AMBIENT = "istio.io/dataplane-mode: ambient"


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def write(self, name, text):
        path = os.path.join(self.dir.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.dir.name, name), encoding="utf-8") as file:
            return file.read()

    def fix(self, rule, *options):
        """What a report says; then the files are fixed, and fixed again without effect."""
        def run(*more):
            done = subprocess.run([TOOL, "-s", rule, *options, *more, "."], cwd=self.dir.name, capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            return done.stdout
        report = run()
        run("-i")
        before = {n: self.read(n) for n in self.files()}
        run("-i")
        self.assertEqual(before, {n: self.read(n) for n in self.files()})
        return report

    def files(self):
        return [os.path.relpath(os.path.join(top, name), self.dir.name)
                for top, _, names in os.walk(self.dir.name) for name in names]

    def overlays(self, dev, prod, base):
        self.write("base/kustomization.yaml", "resources: [shop.yaml]\n")
        self.write("base/shop.yaml", base)
        for name, label in (("dev", dev), ("prod", prod)):
            self.write(f"{name}/kustomization.yaml", f"namespace: {name}\nresources: [../base, namespace.yaml]\n")
            self.write(f"{name}/namespace.yaml", namespace(name, label))


class Overlays(Case):
    """What is true of a base must be true in each overlay."""

    def test_both_inject(self):
        self.overlays("istio-injection: enabled", "istio.io/rev: prod", deployment(TRUE))
        self.assertIn("(fix: safe)", self.fix("inject-annotation", "--level", "safe"))
        self.assertEqual(self.read("base/shop.yaml"), deployment(TRUE, "labels"))

    def test_one_has_no_label(self):
        self.overlays("istio-injection: enabled", "team: a", deployment(TRUE))
        self.assertIn("choose: inject-annotation=label|keep-both|drop", self.fix("inject-annotation"))
        self.assertEqual(self.read("base/shop.yaml"), deployment(TRUE))

    def test_none_has_a_label(self):
        self.overlays("team: a", "team: b", deployment(TRUE))
        self.assertIn("its namespaces have neither istio-injection nor istio.io/rev;", self.fix("inject-annotation"))

    def test_one_is_not_in_the_input(self):
        self.overlays("istio-injection: enabled", "team: a", deployment(TRUE))
        os.unlink(os.path.join(self.dir.name, "prod/namespace.yaml"))
        self.assertIn("where the namespace has", self.fix("inject-annotation"))

    def test_ambient_in_both(self):
        self.overlays(AMBIENT, AMBIENT, deployment(TRUE, "labels"))
        self.assertIn("want the pods both ways", self.fix("ambient-conflict", "--choose", "ambient-conflict=ambient"))
        self.assertNotIn(TRUE, self.read("base/shop.yaml"))

    def test_ambient_in_one(self):
        self.overlays(AMBIENT, "team: a", deployment(TRUE, "labels"))
        self.assertEqual(self.fix("ambient-conflict", "--level", "all"), "")

    def test_revision_in_one(self):
        self.overlays("team: a", "istio-injection: enabled", deployment("istio.io/rev: canary"))
        self.assertIn("where the namespace has neither", self.fix("rev-annotation"))


class Patches(Case):
    """A label wins over the annotation, also over that of a patch."""

    def prod(self, base, patch):
        self.write("base/kustomization.yaml", "resources: [shop.yaml]\n")
        self.write("base/shop.yaml", base)
        self.write("prod/kustomization.yaml", "namespace: prod\nresources: [../base]\npatches: [{path: patch.yaml}]\n")
        self.write("prod/patch.yaml", patch)

    def test_patch_says_something_else(self):
        self.prod(deployment(FALSE), deployment(TRUE))
        self.assertIn("that prod/patch.yaml patches into this object (choose: inject-annotation=label|keep-both)",
                      self.fix("inject-annotation"))
        self.assertEqual(self.read("base/shop.yaml"), deployment(FALSE))
        self.assertEqual(self.read("prod/patch.yaml"), deployment(TRUE))

    def test_a_copy_is_no_patch(self):
        self.prod(deployment(FALSE), deployment("team: a", "labels"))
        self.write("old/shop.yaml", deployment(TRUE))
        self.assertNotIn("patches into", self.fix("inject-annotation"))
        self.assertEqual(self.read("base/shop.yaml"), deployment(FALSE, "labels"))

    def test_a_word_that_kustomize_deploys_as_it_is_typed(self):
        self.prod(deployment("sidecar.istio.io/inject: no", "labels"), deployment("team: a", "labels"))
        out = self.fix("metadata-value-type", "--level", "safe")
        self.assertEqual(self.read("base/shop.yaml"), deployment('sidecar.istio.io/inject: "no"', "labels"), out)
        self.fix("inject-value", "--level", "safe")
        self.assertEqual(self.read("base/shop.yaml"), deployment('sidecar.istio.io/inject: "no"', "labels"))
        self.fix("inject-value")
        self.assertEqual(self.read("base/shop.yaml"), deployment('sidecar.istio.io/inject: "false"', "labels"))

    def test_patch_says_something_else_all(self):
        self.prod(deployment(FALSE), deployment(TRUE))
        self.fix("inject-annotation", "--level", "all")
        self.assertEqual(self.read("base/shop.yaml"), deployment(FALSE, "labels"))
        self.assertEqual(self.read("prod/patch.yaml"), deployment(TRUE, "labels"))

    def test_patch_says_the_same(self):
        self.prod(deployment(FALSE), deployment(FALSE))
        self.fix("inject-annotation")
        self.assertEqual(self.read("base/shop.yaml"), deployment(FALSE, "labels"))
        self.assertEqual(self.read("prod/patch.yaml"), deployment(FALSE, "labels"))

    def test_patch_alone_is_a_repair(self):
        self.prod(deployment("team: a", "labels"), deployment(FALSE))
        self.assertIn("(fix: repair)", self.fix("inject-annotation", "--level", "safe"))
        self.assertEqual(self.read("prod/patch.yaml"), deployment(FALSE))

    def test_null_removes(self):
        for key in ("sidecar.istio.io/inject:", "istio.io/rev: null"):
            self.prod(deployment("team: a", "labels"), deployment(key))
            for rule in ("inject-value", "inject-annotation", "rev-annotation"):
                self.assertEqual(self.fix(rule, "--level", "all"), "", (key, rule))

    def test_null_beside_the_other_removes(self):
        text = deployment("sidecar.istio.io/inject:") + "      labels:\n        " + FALSE + "\n"
        for patch in text, text.replace("labels", "x").replace("annotations", "labels").replace("x:", "annotations:"):
            self.prod(deployment(TRUE), patch)
            for rule in ("inject-value", "inject-annotation"):
                self.fix(rule, "--level", "all")
                self.assertEqual(self.read("prod/patch.yaml"), patch, rule)

    def test_null_of_a_namespace_removes(self):
        self.prod(deployment("team: a", "labels"), namespace("prod", "istio-injection:"))
        self.assertEqual(self.fix("inject-value", "--level", "all"), "")

    def test_effect_is_not_taken_out_of_a_patch(self):
        self.prod(deployment("team: a", "labels"), deployment("sidecar.istio.io/inject: enabled"))
        self.assertIn("the value of the patched object counts", self.fix("inject-value", "--level", "all"))
        self.assertIn("enabled", self.read("prod/patch.yaml"))


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print(f"no tool at {TOOL}")
        sys.exit(77)
    unittest.main()
