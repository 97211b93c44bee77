#!/usr/bin/env python3
"""Suppressions: what is written is left alone, neither told nor fixed nor counted, and never lost.

    test_suppress.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from oracle import shared

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")

HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\n"
POD = "spec:\n  template:\n    metadata:\n      labels:\n        app: shop\n"
MOVE = HEAD + '  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: "false"%s\n' + POD


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        os.mkdir(os.path.join(self.dir, ".git"))

    def write(self, path, text):
        with open(os.path.join(self.dir, path), "w", newline="") as f:
            f.write(text)

    def read(self, path):
        with open(os.path.join(self.dir, path), newline="") as f:
            return f.read()

    def run_tool(self, *args, code=None, text=None):
        p = subprocess.run([TOOL, *args], cwd=self.dir, input=text, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
        if code is not None:
            self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p

    def found(self, text, *args):
        """[(rule, line)] of a text."""
        self.write("x.yaml", text)
        results = json.loads(self.run_tool("-f", "json", *args, "x.yaml").stdout)["results"]
        return [(r["rule"], r["line"]) for r in results]

    def fixed(self, text, *args):
        """What a run in place makes of it; a second one changes nothing."""
        self.write("x.yaml", text)
        self.run_tool("-i", *args, "x.yaml")
        once = self.read("x.yaml")
        self.run_tool("-i", *args, "x.yaml")
        self.assertEqual(self.read("x.yaml"), once)
        return once


class Suppressed(Case):
    def test_neither_told_nor_fixed_nor_counted(self):
        text = MOVE % "  # istio-fix: ignore[misplaced-annotation] our controller reads it"
        self.write("x.yaml", text)
        for mode in ("-i", "-c", "-d", "-l", "-v"):
            p = self.run_tool(mode, "x.yaml", code=0)
            self.assertEqual(p.stdout, "")
        self.assertIn("no findings in 1 file; 1 suppressed\n", p.stderr)
        self.assertEqual(self.read("x.yaml"), text)
        p = self.run_tool("-", text=text, code=0)
        self.assertEqual((p.stdout, p.stderr), (text, ""))
        p = json.loads(self.run_tool("-f", "json", "x.yaml", code=0).stdout)
        self.assertEqual((p["results"], p["summary"]["suppressed"]), ([], 1))

    def test_only_that_rule(self):
        text = MOVE % "  # istio-fix: ignore[duration]"
        self.assertEqual(self.found(text), [("misplaced-annotation", 6), ("suppression", 6)])

    def test_only_there(self):
        text = (HEAD + '  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: "false" # istio-fix: ignore[IST0107]\n'
                "    traffic.sidecar.istio.io/excludeInboundPorts: '1'\n" + POD)
        self.assertEqual(self.found(text), [("misplaced-annotation", 7)])
        self.assertEqual(self.fixed(text), text.replace("    traffic.sidecar.istio.io/excludeInboundPorts: '1'\n", "") +
                         "      annotations:\n        traffic.sidecar.istio.io/excludeInboundPorts: '1'\n")

    def test_a_key_that_begins_on_the_line(self):
        text = MOVE % ""
        self.assertEqual(self.found(text.replace("metadata:\n  name", "metadata: # istio-fix: ignore[IST0107]\n  name")), [])
        self.assertEqual(self.found(text.replace("  annotations:\n", "  annotations: # istio-fix: ignore[IST0107]\n")), [])
        self.assertEqual(self.found(text.replace("  name: shop\n", "  name: shop # istio-fix: ignore[IST0107]\n")),
                         [("suppression", 4), ("misplaced-annotation", 6)])

    def test_embedded_documents(self):
        text = ("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\nspec:\n  template:\n    metadata:\n"
                "      annotations:\n        %sproxy.istio.io/config: %s\n          drainDuration: 45\n")
        here = "# istio-fix: ignore[duration] why\n        "
        self.assertEqual(self.found(text % ("", "|")), [("duration", 10)])
        for style in ("|", ">-", "|2"):
            style_text = text % ("", style + " # istio-fix: ignore[duration]")
            self.assertEqual(self.found(style_text), [], style_text)
            self.assertEqual(self.found(text % (here, style)), [])
        quoted = (text % ("", "x")).replace(" x\n          drainDuration: 45\n", ' "drainDuration: 45" # istio-fix: ignore[duration]\n')
        self.assertEqual(self.found(quoted), [])

    def test_crlf_and_byte_order_mark(self):
        text = "\ufeff" + (MOVE % "  # istio-fix: ignore[IST0107]").replace("\n", "\r\n")
        self.assertEqual(self.found(text), [])
        text = "\ufeff# istio-fix: ignore-file[IST0107]\r\n" + (MOVE % "").replace("\n", "\r\n")
        self.assertEqual(self.found(text), [])

    def test_the_first_document_speaks_for_the_file(self):
        move = MOVE % ""
        for first in ("# istio-fix: ignore-file[IST0107] why\n---\n", "# istio-fix: ignore-file[IST0107]\n---\na: 1\n---\n",
                      "a: 1\n---\n# istio-fix: ignore-file[IST0107]\n", "---\n---\n# istio-fix: ignore-file[IST0107]\n"):
            text = first + move + "---\n" + move
            want = [] if not first.startswith("a") else ["misplaced-annotation"]
            self.assertEqual([r for r, _ in self.found(text)], want, first)
            self.assertEqual([r for r, _ in self.found(text, "-s", "misplaced-annotation")], want, first)

    def test_objects_of_a_list(self):
        item = ("- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: a\n    annotations:\n"
                "      sidecar.istio.io/rewriteAppHTTPProbers: \"false\"\n%s  spec: {template: {metadata: {}}}\n")
        text = "apiVersion: v1\nkind: List\nitems:\n" + item % "      istio-fix.dev/ignore: IST0107\n" + item % ""
        self.assertEqual(self.found(text), [("misplaced-annotation", 17)])
        as_json = json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"metadata": {}}},
             "metadata": {"name": "a", "annotations": dict({"sidecar.istio.io/rewriteAppHTTPProbers": "false"}, **more)}}
            for more in ({"istio-fix.dev/ignore": "*"}, {"galley.istio.io/analyze-suppress": "*"}, {})]}, indent=1)
        self.assertEqual([r for r, _ in self.found(as_json)], ["misplaced-annotation"])

    def test_an_annotation_for_istioctl_holds_for_rules_with_a_code(self):
        text = MOVE % '\n    galley.istio.io/analyze-suppress: "*"'
        text += "      annotations:\n        proxy.istio.io/config: |\n          drainDuration: 45\n"
        self.assertEqual([r for r, _ in self.found(text)], ["duration"])

    def test_rules_of_the_user(self):
        self.write("mine.yaml", "id: no-shop\nsummary: s\nsource: https://example.com/\nseverity: warning\nlevel: report\n"
                   "match: {group: apps, kind: Deployment}\neach: metadata\ncases:\n  - when: {has: [name]}\n    message: not so\n")
        text = (MOVE % "  # istio-fix: ignore[IST0107]").replace("metadata:\n  name", "metadata: # istio-fix: ignore[no-shop]\n  name")
        self.assertEqual(self.found(text, "--rules", "mine.yaml"), [])
        self.assertEqual(self.found(text), [("suppression", 3)])  # nobody knows it here


class Unused(Case):
    def test_only_rules_that_ran(self):
        text = MOVE % "  # istio-fix: ignore[duration,api-version]"
        self.assertEqual(self.found(text, "-s", "duration"), [])
        self.assertEqual(self.found(text, "-s", "duration,suppression"), [("suppression", 6)])
        self.assertEqual(self.found(text, "-x", "IST0107,duration"), [("suppression", 6)])
        self.assertEqual(self.found(text, "-x", "suppression,IST0107"), [])

    def test_they_do_not_fail_a_run(self):
        self.write("x.yaml", HEAD + "  # istio-fix: ignore[duration]\n  namespace: x\n")
        self.run_tool("x.yaml", code=0)
        self.run_tool("--fail-on", "info", "x.yaml", code=1)

    def test_a_star_is_judged_by_a_run_of_all(self):
        text = HEAD + '  annotations:\n    istio-fix.dev/ignore: "*"\n'
        self.assertEqual(self.found(text), [("suppression", 6)])
        self.assertEqual(self.found(text, "-x", "duration"), [])

    def test_they_can_be_suppressed(self):
        text = HEAD + "  # istio-fix: ignore[duration,suppression] generated\n  namespace: x\n"
        self.assertEqual(self.found(text), [])

    def test_too_many(self):
        names = ",".join(["duration"] * 10001)
        text = MOVE % ("  # istio-fix: ignore[%s]" % names)
        found = self.found(text, "-s", "suppression")
        self.assertEqual(found, [("suppression", 6)])


class Kept(Case):
    def test_a_comment_travels_with_its_entry(self):
        for comment in ("  # istio-fix: ignore[duration]", None):
            text = MOVE % (comment or "")
            if not comment:
                text = text.replace("    sidecar", "    # istio-fix: ignore[duration] why\n    sidecar")
            after = self.fixed(text, "-x", "suppression")
            self.assertEqual(after.count("istio-fix: ignore[duration]"), 1)
            self.assertIn("template", after.split("istio-fix: ignore")[0])

    def test_no_fix_removes_one(self):
        """The outer key says the same as the template's, and goes; with a suppression it stays."""
        twice = (MOVE % "%s") + '      annotations:\n        sidecar.istio.io/rewriteAppHTTPProbers: "false"\n'
        self.assertNotEqual(self.fixed(twice % ""), twice % "")
        after = self.fixed(twice % "  # istio-fix: ignore[duration] why", "-x", "suppression")
        self.assertEqual(after.count("istio-fix: ignore[duration] why"), 1)

    def test_a_suppressed_namespace_is_judged_as_it_stays(self):
        """What is not fixed must not count as fixed elsewhere: a second run finds the same."""
        text = ("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels: # istio-fix: ignore[injection-conflict]\n"
                "    istio-injection: enabled\n    istio.io/rev: canary\n---\n" + HEAD + "  namespace: shop\n" + POD)
        once = self.fixed(text)
        self.assertEqual(once, text)


class Added(Case):
    """--add-ignores: what is left is ignored from now on."""

    def added(self, text, *args, name="x.yaml", code=0):
        """What a run in place makes of it. The next one finds nothing, and adds nothing."""
        self.write(name, text)
        self.run_tool("-i", "--level", "safe", "--add-ignores", *args, name, code=code)
        once = self.read(name)
        p = self.run_tool("-i", "--level", "safe", "--add-ignores", *args, name, code=code)
        self.assertEqual(self.read(name), once)
        if code == 0:
            left = json.loads(self.run_tool("-f", "json", "--level", "safe", name, code=0).stdout)["results"]
            self.assertEqual([r for r in left if r["rule"] != "suppression"], [])
        return once

    def test_behind_the_line(self):
        self.assertEqual(self.added(MOVE % "", "-s", "misplaced-annotation"),
                         MOVE % "  # istio-fix: ignore[misplaced-annotation]")
        self.assertEqual(self.added(MOVE % "   ", "-s", "misplaced-annotation"),
                         MOVE % "     # istio-fix: ignore[misplaced-annotation]")

    def test_reason(self):
        self.write("x.yaml", MOVE % "")
        self.run_tool("-i", "--level", "safe", "--add-ignores=ticket 7", "x.yaml", code=0)
        self.assertEqual(self.read("x.yaml"), MOVE % "  # istio-fix: ignore[misplaced-annotation] ticket 7")
        self.run_tool("-i", "--add-ignores=a\nb", "x.yaml", code=2)

    def test_crlf_and_no_last_line_break(self):
        text = "\ufeff" + (MOVE % "").replace("\n", "\r\n")
        self.assertEqual(self.added(text), "\ufeff" + (MOVE % "  # istio-fix: ignore[misplaced-annotation]").replace("\n", "\r\n"))
        last = HEAD + '  annotations: {sidecar.istio.io/rewriteAppHTTPProbers: "false"}'
        self.assertEqual(self.added(last), last + "  # istio-fix: ignore[misplaced-annotation]")

    def test_what_can_be_fixed_is_fixed(self):
        text = MOVE % "" + "      annotations:\n        sidecar.istio.io/rewriteAppHTTPProbers: \"true\"\n"
        once = self.added(text + "---\n" + text.replace('"true"', '"false"'))
        self.assertEqual(once.count("ignore[misplaced-annotation]"), 1)

    def test_merges_with_a_comment_of_ours(self):
        text = MOVE % " # istio-fix: ignore[duration] why"
        self.assertEqual(self.added(text, "-s", "misplaced-annotation"),
                         MOVE % " # istio-fix: ignore[duration,misplaced-annotation] why")

    def test_other_comments_stay(self):
        text = MOVE % " # why"
        want = text.replace("    sidecar", "    # istio-fix: ignore[misplaced-annotation]\n    sidecar")
        self.assertEqual(self.added(text), want)
        above = text.replace("    sidecar", "    # istio-fix: ignore[duration]\n    # more\n    sidecar")
        self.assertEqual(self.added(above, "-s", "misplaced-annotation"),
                         above.replace("[duration]", "[duration,misplaced-annotation]"))

    def test_text_in_a_block(self):
        text = ("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop\nspec:\n  template:\n    metadata:\n"
                "      annotations:\n        proxy.istio.io/config: |%s\n          drainDuration: 45\n          concurrency: x\n")
        once = self.added(text % "")
        self.assertRegex(once, r"config: \|  # istio-fix: ignore\[duration,proxyconfig-type\]\n")

    def test_braces_over_several_lines(self):
        text = HEAD + '  annotations: {\n    sidecar.istio.io/rewriteAppHTTPProbers: "false",\n    a: b}\n' + POD
        self.assertEqual(self.added(text), text.replace("  annotations", "  # istio-fix: ignore[misplaced-annotation]\n  annotations"))

    def test_json_gets_an_annotation(self):
        obj = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"metadata": {}}},
               "metadata": {"name": "a", "annotations": {"sidecar.istio.io/rewriteAppHTTPProbers": "false"}}}
        for indent in (None, 2):
            once = self.added(json.dumps(obj, indent=indent), name="x.json")
            self.assertEqual(json.loads(once)["metadata"]["annotations"]["istio-fix.dev/ignore"], "misplaced-annotation")
        with_old = json.loads(json.dumps(obj))
        with_old["metadata"]["annotations"]["istio-fix.dev/ignore"] = "duration"
        once = self.added(json.dumps(with_old), "-s", "misplaced-annotation", name="x.json")
        self.assertEqual(json.loads(once)["metadata"]["annotations"]["istio-fix.dev/ignore"], "duration,misplaced-annotation")
        listed = {"apiVersion": "v1", "kind": "List", "items": [obj, obj]}
        once = self.added(json.dumps(listed, indent=1), name="x.json")
        self.assertEqual(once.count("istio-fix.dev/ignore"), 2)

    def test_modes(self):
        self.write("x.yaml", MOVE % "")
        want = MOVE % "  # istio-fix: ignore[misplaced-annotation]"
        args = ["--level", "safe", "--add-ignores"]
        self.assertIn("+" + want.splitlines()[5], self.run_tool("-d", *args, "x.yaml", code=1).stdout)
        self.assertEqual(self.run_tool("-c", *args, "x.yaml", code=1).stdout, "would change x.yaml\n")
        self.assertEqual(self.run_tool("-l", *args, "x.yaml", code=1).stdout, "x.yaml\n")
        self.assertEqual(self.run_tool(*args, "-", text=MOVE % "", code=0).stdout, want)
        self.assertIn("--add-ignores goes with", self.run_tool(*args, "x.yaml", code=2).stderr)
        self.assertEqual(self.read("x.yaml"), MOVE % "")
        p = self.run_tool("-i", *args, "x.yaml", code=0)
        self.assertEqual(p.stderr, "no findings in 1 file; 1 suppressed, 1 of them from now on\n")

    def test_all_manifests_of_the_tests(self):
        """Data stay, all comments stay, and nothing is left."""
        done = 0
        for base, _, files in sorted(os.walk(os.path.join(ROOT, "testdata")))[::shared.stride(TOOL)]:
            if "before.yaml" not in files or "suppression" in base:
                continue
            with open(os.path.join(base, "before.yaml"), encoding="utf-8", newline="") as f:
                text = f.read()
            self.write("x.yaml", text)
            p = self.run_tool("-i", "--level", "safe", "--add-ignores", "x.yaml")
            self.assertNotIn("please report", p.stderr, base)
            once = self.read("x.yaml")
            q = self.run_tool("-i", "--level", "safe", "--add-ignores", "x.yaml")
            self.assertEqual(self.read("x.yaml"), once, base)
            left = json.loads(self.run_tool("-f", "json", "x.yaml").stdout)["results"]
            if p.returncode == 0:
                self.assertEqual([r for r in left if r["rule"] != "suppression"], [], base)
                done += once != text
        self.assertGreater(done, 100)


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("there is no tool; skipped: %s" % TOOL)
        sys.exit(77)
    unittest.main()
