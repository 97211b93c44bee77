#!/usr/bin/env python3
"""Many files at a time: what is said and written is the same for any -j, and shards are parts of the whole.

    test_jobs.py [NAME...]         all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import os
import shutil
import subprocess
import sys
import unittest

import test_cli
from oracle import shared
from test_cli import BROKEN, Case, MOVE

MODES = ["-v"], ["-d"], ["-c"], ["-l"], ["-f", "json"], ["-f", "sarif"], ["--statistics", "-q"]

INJECTED = """apiVersion: v1
kind: Pod
metadata:
  name: shop
  annotations:
    team: x
    sidecar.istio.io/inject: "%s"
"""


def snapshot(top):
    out = {}
    for d, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(d, name), "rb") as f:
                out[os.path.relpath(os.path.join(d, name), top)] = f.read()
    return out


class Jobs(Case):
    def setUp(self):
        super().setUp()
        for name in "demo", "duration", "injection-conflict", "misplaced-annotation":
            shutil.copytree(os.path.join(shared.ROOT, "testdata", name),
                            os.path.join(os.fsdecode(self.path("tree")), name))
        self.write("tree/0broken.yaml", BROKEN)  # what is said about it comes first
        self.write("tree/zbroken.yaml", BROKEN)

    def run_jobs(self, jobs, *args, cwd=None):
        return subprocess.run([test_cli.TOOL, "-j", str(jobs), "--no-config", *args], cwd=cwd or self.dir,
                              stdin=subprocess.DEVNULL, capture_output=True)

    def test_what_is_said_is_the_same(self):
        for mode in MODES:
            one = self.run_jobs(1, *mode, "tree")
            self.assertTrue(one.stdout or one.stderr)
            for jobs in 2, 7:
                many = self.run_jobs(jobs, *mode, "tree")
                self.assertEqual((many.returncode, many.stderr, many.stdout),
                                 (one.returncode, one.stderr, one.stdout), (mode, jobs))

    def test_what_is_written_is_the_same(self):
        results = []
        for jobs in 1, 2, 8:
            top = os.fsdecode(self.path("copy%d" % jobs))
            shutil.copytree(os.fsdecode(self.path("tree")), top)
            r = self.run_jobs(jobs, "-i", "-v", "--level", "all", ".", cwd=top)
            results.append((r.returncode, r.stdout, r.stderr, snapshot(top)))
        self.assertNotEqual(results[0][3], snapshot(os.fsdecode(self.path("tree"))))
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])

    def test_what_other_files_show_is_what_they_were(self):
        """The base asks about the patch, which the same run has replaced by then, or not yet."""
        said = []
        for jobs in 1, 1, 4:
            top = os.fsdecode(self.path("t%d" % len(said)))
            self.write(os.path.join(top, "base/kustomization.yaml"), "resources: [pod.yaml]\n")
            self.write(os.path.join(top, "base/pod.yaml"), INJECTED % "true")
            self.write(os.path.join(top, "a/kustomization.yaml"),
                       "resources: [../base]\npatches: [{path: patch.yaml}]\n")
            self.write(os.path.join(top, "a/patch.yaml"), INJECTED % "false")
            mode = ["-i"] if said else []
            said.append(self.run_jobs(jobs, "-v", *mode, ".", cwd=top).stdout.splitlines())
        self.assertTrue(said[0][1].startswith(b"base/pod.yaml:7:"), said[0])
        self.assertIn(b"that a/patch.yaml patches into this object", said[0][1])
        self.assertEqual(said[1], said[2])
        self.assertEqual(said[1][1], said[0][1])

    def test_atomic_with_many_writes_nothing_where_one_fails(self):
        before = snapshot(os.fsdecode(self.path("tree")))
        r = self.run_jobs(8, "-i", "--atomic", "tree")
        self.assertEqual(r.returncode, 2)
        self.assertEqual(snapshot(os.fsdecode(self.path("tree"))), before)

    def test_shards_are_parts_of_the_whole(self):
        whole = self.run_jobs(1, "-l", "tree").stdout.splitlines()
        parts = [self.run_jobs(1, "-l", "--shard", "%d/3" % i, "tree").stdout.splitlines() for i in (1, 2, 3)]
        self.assertEqual(sorted(sum(parts, [])), sorted(whole))
        for part in parts:
            self.assertGreater(len(part), len(whole) / 6)
        # The same whatever else is named.
        again = self.run_jobs(4, "-l", "--shard", "2/3", "tree/misplaced-annotation", "tree").stdout.splitlines()
        self.assertEqual(sorted(again), sorted(parts[1]))

    def test_wrong_values(self):
        for args in (["-j", "0"], ["-j", "x"], ["-j", "257"], ["-j", ""], ["--shard", "0/3"], ["--shard", "4/3"],
                     ["--shard", "1"], ["--shard", "a/b"], ["--shard", "1/"]):
            r = subprocess.run([test_cli.TOOL, *args, "."], cwd=self.dir, stdin=subprocess.DEVNULL, capture_output=True)
            self.assertEqual(r.returncode, 2, args)
            self.assertIn(b"istio-fix: error: --", r.stderr)

    def test_many_files_with_one_namespace(self):
        """All ask the index at the same time."""
        self.write("many/ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels: {istio-injection: enabled}\n")
        for i in range(200):
            self.write("many/%03d.yaml" % i, "apiVersion: v1\nkind: Service\nmetadata: {name: s%d, namespace: a}\n"
                       "spec:\n  ports:\n  - port: 80\n" % i + "---\n" + MOVE)
        one = self.run_jobs(1, "--fail-on", "info", "many")
        self.assertEqual(one.stdout.count(b"[port-protocol"), 200)
        for _ in range(5):
            self.assertEqual(self.run_jobs(8, "--fail-on", "info", "many").stdout, one.stdout)


if __name__ == "__main__":
    if not os.access(test_cli.TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % test_cli.TOOL)
        sys.exit(77)
    test_cli.TOOL = os.path.abspath(test_cli.TOOL)
    unittest.main()
