#!/usr/bin/env python3
"""Phases of a migration to ambient mode, written to files and taken back.

    test_ambient_apply.py [NAME...]       all tests, or those of unittest's names

Golden trees: testdata/ambient-apply/CASE has `start` and, for each phase that changes something, the tree after it
(`prepare`, `bind`, `enroll`, `cleanup`, or `cutover` from the start); `args` has options for all phases. Each phase
is done twice, and all are taken back one by one. UPDATE_GOLDEN=1 writes the trees anew; then read the difference.

Environment: ISTIO_FIX (ctest sets it), ISTIO_FIX_SHARED: the folder with ambient/examples. Exit 77: there is no tool.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")
SHARED = os.environ.get("ISTIO_FIX_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
EXAMPLES = os.path.join(SHARED, "ambient", "examples")
GOLDEN = os.path.join(ROOT, "testdata", "ambient-apply")
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
PHASES = ["prepare", "bind", "enroll", "cleanup"]


def run(*args, cwd=None):
    return subprocess.run([TOOL, "ambient", *args], cwd=cwd, capture_output=True, text=True, check=False)


def tree(top):
    """All files below a directory but the records, by their relative names."""
    files = {}
    for folder, dirs, names in os.walk(top):
        if os.path.basename(folder) != ".istio-fix":
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    files[os.path.relpath(path, top)] = f.read()
    return files


def plant(top, files):
    for name, data in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="istio-fix-apply.")
        self.addCleanup(shutil.rmtree, self.top)

    def plant(self, files):
        plant(self.top, files)

    def ambient(self, *args, code=0):
        r = run(*args, self.top)
        self.assertEqual(r.returncode, code, r.stdout + r.stderr)
        return r

    def apply(self, phase, *args, code=0):
        return self.ambient("apply", "--phase", phase, "--all", "-i", *args, code=code)

    def same(self, want, got, what):
        self.assertEqual(sorted(want), sorted(got), what)
        for name in want:
            self.assertEqual(want[name].decode().splitlines(True), got[name].decode().splitlines(True),
                             "%s: %s" % (what, name))
            self.assertEqual(want[name], got[name], "%s: %s" % (what, name))


class Examples(Case):
    """The worked cases of the specification, read in place."""

    ARGS = {"09": ["--waypoint", "shared/platform-waypoints", "--bind", "namespace"]}
    # Their callers are not in the tree, or keep their sidecars.
    COMMON = ["--accept", "C38"]

    def setUp(self):
        super().setUp()
        if not os.path.isdir(EXAMPLES):
            self.skipTest("there is no %s" % os.path.relpath(EXAMPLES, ROOT))

    def example(self, number):
        [name] = [n for n in os.listdir(EXAMPLES) if n.startswith(number + "-")]
        return tree(os.path.join(EXAMPLES, name))

    def test_in_place(self):
        for number in "01 02 03 04 05 06 07 08 09 11 13 14 15".split():
            with self.subTest(number):
                files = self.example(number)
                self.plant({"m.yaml": files["before.yaml"]})
                self.apply("cutover", *self.COMMON, *self.ARGS.get(number, []), code=3 if number == "08" else 0)
                self.same({"m.yaml": files["after.yaml"]}, tree(self.top), number)
                if number == "08":
                    continue
                self.apply("cutover", *self.COMMON, *self.ARGS.get(number, []))
                self.same({"m.yaml": files["after.yaml"]}, tree(self.top), number + " again")
                self.ambient("rollback", "--phase", "cutover", "--all", "-i")
                self.same({"m.yaml": files["before.yaml"]}, tree(self.top), number + " back")
                self.assertFalse(os.path.exists(os.path.join(self.top, ".istio-fix")))

    def test_phases(self):
        files = self.example("06")
        states = [files["before.yaml"]] + [files["phases/%d-%s.yaml" % (i + 1, p)] for i, p in enumerate(PHASES)]
        self.plant({"m.yaml": states[0]})
        for i, phase in enumerate(PHASES):
            for _ in range(2):
                self.apply(phase, *self.COMMON)
                self.same({"m.yaml": states[i + 1]}, tree(self.top), phase)
        for i, phase in reversed(list(enumerate(PHASES))):
            self.ambient("rollback", "--phase", phase, "--all", "-i")
            self.same({"m.yaml": states[i]}, tree(self.top), phase)

    def test_rollback_of_enroll(self):
        """Its `before` is the namespace after enroll, its `after` the same one phase back."""
        files = self.example("10")
        self.plant({"m.yaml": files["after.yaml"]})
        self.apply("enroll", *self.COMMON)
        self.same({"m.yaml": files["before.yaml"]}, tree(self.top), "enroll")
        self.ambient("rollback", "--phase", "enroll", "--all", "-i")
        self.same({"m.yaml": files["after.yaml"]}, tree(self.top), "rollback")
        # Without the record nothing is guessed.
        self.plant({"m.yaml": files["before.yaml"]})
        r = self.ambient("rollback", "--phase", "enroll", "--all", "-i", code=3)
        self.assertIn("no record", r.stderr)
        self.same({"m.yaml": files["before.yaml"]}, tree(self.top), "no record")


class Golden(Case):
    def test_trees(self):
        for name in sorted(os.listdir(GOLDEN)):
            with self.subTest(name):
                shutil.rmtree(self.top)
                self.case(os.path.join(GOLDEN, name))

    def expect(self, case, phase, last):
        """The tree after a phase; where there is none the phase changes nothing."""
        folder = os.path.join(case, phase)
        if UPDATE:
            shutil.rmtree(folder, ignore_errors=True)
            got = tree(self.top)
            if got != last:
                plant(folder, got)
        return tree(folder) if os.path.isdir(folder) else last

    def case(self, case):
        start = tree(os.path.join(case, "start"))
        args = []
        if os.path.exists(os.path.join(case, "args")):
            with open(os.path.join(case, "args"), encoding="utf-8") as f:
                args = shlex.split(f.read(), comments=True)
        states = [start]
        self.plant(start)
        phases = ["cutover"] if os.path.exists(os.path.join(case, "cutover")) else PHASES
        for phase in phases:
            r = self.apply(phase, *args)
            want = self.expect(case, phase, states[-1])
            self.same(want, tree(self.top), phase + "\n" + r.stdout + r.stderr)
            self.assertEqual(self.apply(phase, *args).stdout, "", phase + " again")
            self.same(want, tree(self.top), phase + " again")
            states.append(want)
        self.assertTrue(any(s != start for s in states), case)
        for i, phase in reversed(list(enumerate(phases))):
            if states[i] == states[i + 1]:
                continue
            self.ambient("rollback", "--phase", phase, "--all", "-i")
            self.same(states[i], tree(self.top), "rollback of " + phase)
        self.assertFalse(any(".istio-fix" in dirs for _, dirs, _ in os.walk(self.top)))


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("ISTIO_FIX does not name the tool; skipped", file=sys.stderr)
        sys.exit(77)
    unittest.main()
