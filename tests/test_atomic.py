#!/usr/bin/env python3
"""What is written, and what stays beside it: --backup and --atomic.

    test_atomic.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import os
import sys
import unittest

import test_cli
from test_cli import Case, MOVE, MOVED


class Backup(Case):
    def test_default_suffix(self):
        self.write("sub/a.yaml", MOVE, 0o640)
        self.run_tool("-i", "--backup", ".")
        self.assertEqual((self.read("sub/a.yaml"), self.read("sub/a.yaml~")), (MOVED, MOVE))
        self.assertEqual(os.stat(self.path("sub/a.yaml~")).st_mode & 0o777, 0o640)
        self.assertEqual(sorted(os.listdir(self.path("sub"))), ["a.yaml".encode(), "a.yaml~".encode()])

    def test_only_what_changes_has_one(self):
        self.write("a.yaml", MOVED)
        self.run_tool("-i", "--backup=.orig", ".")
        self.assertEqual(os.listdir(self.dir), ["a.yaml"])

    def test_a_suffix(self):
        self.write("a.yaml", MOVE)
        self.write("a.yaml.orig", "older")
        self.run_tool("--backup=.orig", "-i", "a.yaml")
        self.assertEqual((self.read("a.yaml"), self.read("a.yaml.orig")), (MOVED, MOVE))
        # it is no input
        self.assertEqual(self.run_tool("."), ("", "no findings in 1 file\n"))

    def test_none_possible(self):
        self.write("a.yaml", MOVE)
        self.write("b.yaml", MOVE)
        os.mkdir(self.path("a.yaml~"))
        self.failure("-i", "--backup", "a.yaml", "b.yaml", name="a.yaml", rule="write",
                     says="cannot keep a backup: is a directory")
        self.assertEqual((self.read("a.yaml"), self.read("b.yaml")), (MOVE, MOVED))

    def test_usage(self):
        self.write("a.yaml", MOVE)
        self.usage("-i", "--backup=/x", "a.yaml", says="without '/'")
        self.usage("-i", "--backup=.old.yaml", "a.yaml", says="would take the old files for manifests")
        self.usage("--backup", "a.yaml", says="goes with --in-place")
        self.assertEqual(self.read("a.yaml"), MOVE)


if __name__ == "__main__":
    if not os.access(test_cli.TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % test_cli.TOOL)
        sys.exit(77)
    test_cli.TOOL = os.path.abspath(test_cli.TOOL)
    unittest.main()
