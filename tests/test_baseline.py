#!/usr/bin/env python3
"""Baselines: findings that were there before are left alone, whatever line they are on.

    test_baseline.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")
KEY = "sidecar.istio.io/rewriteAppHTTPProbers"
TEXT = ('apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\n  annotations:\n    ' + KEY +
        ': "false"  # why "so" \u00e4\nspec:\n  template:\n    metadata: {}\n')


class Baseline(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        os.makedirs(os.path.join(self.dir, "apps", "sub"))
        self.write("apps/a.yaml", TEXT % "a")
        self.write("apps/sub/b.yaml", TEXT % "b")

    def write(self, path, text):
        with open(os.path.join(self.dir, path), "w", encoding="utf-8", newline="") as f:
            f.write(text)

    def read(self, path):
        with open(os.path.join(self.dir, path), encoding="utf-8", newline="") as f:
            return f.read()

    def run_tool(self, *args, code=None, cwd="."):
        p = subprocess.run([TOOL, *args], cwd=os.path.join(self.dir, cwd), stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if code is not None:
            self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p

    def found(self, *args):
        results = json.loads(self.run_tool("--baseline", "base.yaml", "-f", "json", *(args or ["apps"])).stdout)["results"]
        return [r["path"] for r in results]

    def begin(self):
        self.run_tool("--write-baseline", "base.yaml", "apps", code=0)

    def test_what_is_written(self):
        p = self.run_tool("--write-baseline", "base.yaml", "apps", code=0)
        self.assertEqual((p.stdout, p.stderr), ("", "no findings in 2 files; 2 suppressed, 2 of them from now on\n"))
        entry = '- rule: misplaced-annotation\n  path: "%s"\n  resource: "apps/Deployment//%s"\n  text: "' + KEY + ': \\"false\\"  # why \\"so\\" \u00e4"\n'
        self.assertEqual(self.read("base.yaml"),
                         "# Findings that were there before; written by istio-fix --write-baseline.\nversion: 1\nfindings:\n" +
                         entry % ("apps/a.yaml", "a") + entry % ("apps/sub/b.yaml", "b"))
        before = self.read("base.yaml")
        self.run_tool("--write-baseline", "../base.yaml", "sub", "a.yaml", ".", code=0, cwd="apps")
        self.assertEqual(self.read("base.yaml"), before)  # whatever the order, from wherever
        self.assertEqual(self.read("apps/a.yaml"), TEXT % "a")

    def test_neither_told_nor_fixed_nor_counted(self):
        self.begin()
        for mode in ("-i", "-c", "-d", "-l", "-q"):
            p = self.run_tool(mode, "--baseline", "base.yaml", "apps", code=0)
            self.assertEqual(p.stdout, "", mode)
        self.assertEqual(self.read("apps/a.yaml"), TEXT % "a")
        self.run_tool("--baseline", "../base.yaml", ".", code=0, cwd="apps")
        self.run_tool("--baseline", os.path.join(self.dir, "base.yaml"), os.path.join(self.dir, "apps"), code=0, cwd="/")

    def test_new_ones_count(self):
        self.begin()
        self.write("apps/c.yaml", TEXT % "c")
        self.assertEqual(self.found(), ["apps/c.yaml"])
        self.write("apps/a.yaml", (TEXT % "a").replace("    " + KEY, "    traffic.sidecar.istio.io/excludeInboundPorts: '1'\n    " + KEY))
        self.assertEqual(self.found(), ["apps/a.yaml", "apps/c.yaml"])

    def test_lines_move(self):
        self.begin()
        self.write("apps/a.yaml", "# one more line\n\n" + (TEXT % "z").replace(KEY, "team") + "---\n" + TEXT % "a")
        self.assertEqual(self.found(), [])

    def test_files_move(self):
        self.begin()
        os.rename(os.path.join(self.dir, "apps/a.yaml"), os.path.join(self.dir, "apps/sub/renamed.yaml"))
        self.assertEqual(self.found(), [])
        self.write("apps/a.yaml", TEXT % "other")  # the name is taken again: no move any more
        self.assertEqual(self.found(), ["apps/a.yaml", "apps/sub/renamed.yaml"])

    def test_another_resource_or_text_is_another_finding(self):
        self.begin()
        self.write("apps/a.yaml", TEXT % "aa")
        self.assertEqual(self.found(), ["apps/a.yaml"])
        self.write("apps/a.yaml", (TEXT % "a").replace('"false"', '"true"'))
        self.assertEqual(self.found(), ["apps/a.yaml"])

    def test_stale_entries(self):
        self.begin()
        self.write("apps/a.yaml", (TEXT % "a").replace(KEY, "team"))
        stale = "base.yaml:%d:1: info: misplaced-annotation no longer finds this in '%s'%s; remove the entry [baseline]\n"
        p = self.run_tool("--baseline", "base.yaml", "apps", code=0)
        self.assertIn(stale % (4, "apps/a.yaml", ""), p.stderr)
        self.assertEqual(p.stderr.count("[baseline]"), 1)
        self.assertNotIn("[baseline]", self.run_tool("--baseline", "base.yaml", "apps/sub", code=0).stderr)
        self.assertNotIn("[baseline]", self.run_tool("-x", "IST0107", "--baseline", "base.yaml", "apps", code=0).stderr)
        os.remove(os.path.join(self.dir, "apps/sub/b.yaml"))
        p = self.run_tool("--baseline", "base.yaml", "apps", code=0)
        self.assertIn(stale % (8, "apps/sub/b.yaml", ", which is not there"), p.stderr)
        self.begin()
        self.assertIn("findings: []\n", self.read("base.yaml"))
        self.assertNotIn("[baseline]", self.run_tool("--baseline", "base.yaml", "apps", code=0).stderr)

    def test_in_place_lists_what_it_leaves(self):
        ask = (TEXT % "a").replace("metadata: {}\n", "metadata:\n      annotations:\n        " + KEY + ': "true"\n')
        self.write("apps/a.yaml", ask)
        self.run_tool("-i", "--write-baseline", "base.yaml", "apps", code=0)
        self.assertEqual(self.read("base.yaml").count("- rule"), 1)
        self.assertIn("apps/a.yaml", self.read("base.yaml"))
        self.assertNotEqual(self.read("apps/sub/b.yaml"), TEXT % "b")
        self.assertEqual(self.found(), [])

    def test_mistakes(self):
        self.begin()
        for text, says in (("version: 2\nfindings: []\n", ":1:1: error: no baseline of version 1"),
                           ("[]\n", ":1:1: error: no baseline"), ("a: [\n", r":\d+:1: error: "),
                           ("version: 1\nfindings:\n- rule: x\n  path: y\n", ":3:1: error: an entry has rule, path")):
            self.write("base.yaml", text)
            p = self.run_tool("--baseline", "base.yaml", "-i", "apps", code=2)
            self.assertRegex(p.stderr, r"^base\.yaml" + says + r"[^\n]*\[baseline\]\n$")
        self.assertEqual(self.read("apps/a.yaml"), TEXT % "a")
        self.assertIn("no.yaml: error: no such file", self.run_tool("--baseline", "no.yaml", "apps", code=2).stderr)
        self.assertIn("no/b.yaml: error: there is no such directory", self.run_tool("--write-baseline", "no/b.yaml", "apps", code=2).stderr)
        self.assertIn("exclude each other", self.run_tool("--baseline", "a", "--write-baseline", "b", "apps", code=2).stderr)
        for mode in ("-c", "-d", "-l"):
            self.assertIn("--write-baseline wants", self.run_tool(mode, "--write-baseline", "b", "apps", code=2).stderr)
        self.assertIn("--write-baseline wants", self.run_tool("--write-baseline", "b", "-", code=2).stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "b")))

    def test_what_is_no_baseline_is_not_replaced(self):
        for text in (TEXT % "c", "version: 1\n", "a: [\n", "version: 1\nfindings: {}\n"):
            self.write("apps/c.yaml", text)
            p = self.run_tool("--write-baseline", "apps/c.yaml", "-i", "apps/a.yaml", code=2)
            self.assertIn("apps/c.yaml: error: is no baseline, and is not replaced", p.stderr)
            self.assertEqual(self.read("apps/c.yaml"), text)
        self.assertEqual(self.read("apps/a.yaml"), TEXT % "a")  # told before anything is done
        self.write("apps/c.yaml", "")
        self.run_tool("--write-baseline", "apps/c.yaml", "apps/a.yaml", code=0)
        self.run_tool("--write-baseline", "apps/c.yaml", "apps", code=0)
        self.assertEqual(self.read("apps/c.yaml").count("- rule"), 2)

    def test_not_written_when_a_file_could_not_be_read(self):
        self.begin()
        before = self.read("base.yaml")
        self.write("apps/bad.yaml", "istio.io: [\n")
        p = self.run_tool("--write-baseline", "base.yaml", "apps/bad.yaml", "apps", code=2)
        self.assertIn("the baseline is not written", p.stderr)
        self.assertEqual(self.read("base.yaml"), before)


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("there is no tool; skipped: %s" % TOOL)
        sys.exit(77)
    unittest.main()
