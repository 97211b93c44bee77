#!/usr/bin/env python3
"""What is written, and what stays beside it: --backup and --atomic.

    test_atomic.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
import unittest

import test_cli
from test_cli import BROKEN, Case, CLEAN, MOVE, MOVED, NOBODY, REPORT, TEMPLATE, need_root

JOURNAL = ".istio-fix-journal"
NOTHING = "istio-fix: error: nothing is written: --atomic fixes all files or none\n"


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
        self.usage("--backup", "a.yaml", says="go with --in-place")
        self.assertEqual(self.read("a.yaml"), MOVE)



class Tree(Case):
    def files(self):
        """All files by their names, with their content; directories are not listed."""
        found = {}
        for top, _, names in os.walk(self.dir):
            for name in names:
                path = os.path.join(top, name)
                rel = os.path.relpath(path, self.dir)
                found[rel] = os.readlink(path) if os.path.islink(path) else self.read(rel)
        return found

    def tree(self, **files):
        for name, text in files.items():
            self.write(name.replace("__", "/") + ".yaml", text)


class Atomic(Tree):
    def test_all(self):
        self.tree(a=MOVE, sub__b=MOVE, sub__c=CLEAN, other__d=MOVE)
        os.chmod(self.path("sub/b.yaml"), 0o640)
        self.assertEqual(self.run_tool("-i", "--atomic", "."), ("", "fixed 3 findings in 3 of 4 files\n"))
        self.assertEqual(self.files(), {"a.yaml": MOVED, "sub/b.yaml": MOVED, "sub/c.yaml": CLEAN, "other/d.yaml": MOVED})
        self.assertEqual(os.stat(self.path("sub/b.yaml")).st_mode & 0o777, 0o640)

    def test_nothing_to_do(self):
        self.tree(a=CLEAN)
        os.chmod(self.dir, 0o555)
        self.addCleanup(os.chmod, self.dir, 0o755)
        self.assertEqual(self.run_tool("-i", "--atomic", "."), ("", "no findings in 1 file\n"))

    def test_findings_left_are_no_failure(self):
        self.tree(a=MOVE, b=REPORT)
        out, err = self.run_tool("-i", "--atomic", ".", code=1)
        self.lines(out, 1)
        self.assertEqual(self.read("a.yaml"), MOVED)

    def test_with_a_backup(self):
        self.tree(a=MOVE, sub__b=MOVE)
        self.write("a.yaml.orig", "older")
        self.run_tool("-i", "--atomic", "--backup=.orig", ".")
        self.assertEqual(self.files(), {"a.yaml": MOVED, "a.yaml.orig": MOVE, "sub/b.yaml": MOVED, "sub/b.yaml.orig": MOVE})

    def none(self, *args, line, **kw):
        """Nothing is written; the error that is the reason; the findings are reported as they stand."""
        before = self.files()
        out, err = self.run_tool("-iq", "--atomic", *(args or ["."]), code=2, **kw)
        self.assertEqual(self.files(), before)
        self.assertTrue(err.endswith(NOTHING), err)
        self.assertIn(line, err[:-len(NOTHING)])
        self.lines(err[:-len(NOTHING)], 1)
        return out

    def test_one_does_not_parse(self):
        self.tree(a=MOVE, b=BROKEN, c=MOVE)
        out = self.none(line="b.yaml:")
        self.assertEqual([line.split(":")[0] for line in self.lines(out, 2)], ["a.yaml", "c.yaml"])

    def test_one_is_not_there(self):
        self.tree(a=MOVE)
        self.none("a.yaml", "gone.yaml", line="gone.yaml: error: no such file or directory [read]")

    def test_one_is_a_template(self):
        self.tree(a=MOVE, b=TEMPLATE)
        self.none("a.yaml", "b.yaml", line="b.yaml:")
        self.run_tool("-iq", "--atomic", ".")  # templates that nobody named are no failure
        self.assertEqual(self.read("a.yaml"), MOVED)

    def test_one_is_read_only(self):
        self.tree(a=MOVE, b=MOVE, c=MOVE)
        os.chmod(self.path("c.yaml"), 0o444)
        self.none(line="c.yaml: error: is read-only [write]")

    def test_one_has_several_links(self):
        self.tree(a=MOVE, b=MOVE)
        os.link(self.path("b.yaml"), self.path("b.link"))
        self.none(line="b.yaml: error: has several hard links")

    def test_one_backup_cannot_be_made(self):
        self.tree(a=MOVE, b=MOVE)
        os.mkdir(self.path("b.yaml~"))
        self.none("--backup", ".", line="b.yaml: error: cannot keep a backup: is a directory [write]")

    @need_root
    def test_one_directory_is_not_ours(self):
        self.tree(a=MOVE, sub__b=MOVE)
        for path in ".", "a.yaml", "sub/b.yaml":
            os.chown(self.path(path), NOBODY, NOBODY)
        self.readable_tool()
        self.none(nobody=True, line="sub/b.yaml: error: cannot create a temporary file beside it: permission denied")

    @need_root
    def test_no_place_for_the_journal(self):
        self.tree(s__a=MOVE, t__b=MOVE)
        for path in "s", "s/a.yaml", "t", "t/b.yaml":
            os.chown(self.path(path), NOBODY, NOBODY)
        self.readable_tool()
        self.none("s", "t", nobody=True, line="cannot create .istio-fix-journal: permission denied")
        self.run_tool("-iq", "--atomic", "s", nobody=True)
        self.assertEqual(self.read("s/a.yaml"), MOVED)

    def test_no_room(self):
        self.tree(a=MOVE, b=MOVE + "#" * 9000)
        self.none(line="b.yaml: error: cannot write a temporary file beside it: file too large",
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)))

    def test_many_files_and_few_descriptors(self):
        for i in range(100):
            self.write("d%d/%d.yaml" % (i % 7, i), MOVE)
        self.run_tool("-iq", "--atomic", ".",
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)))
        self.assertEqual(set(self.files().values()), {MOVED})

    def test_json_says_what_happened(self):
        self.tree(a=MOVE, b=BROKEN)
        out, _ = self.run_tool("-i", "--atomic", "-f", "json", ".", code=2)
        applied = [r["fix"]["applied"] for r in json.loads(out)["results"] if r.get("fix")]
        self.assertEqual(applied, [False])
        self.write("b.yaml", MOVE)
        out, _ = self.run_tool("-i", "--atomic", "-f", "json", ".")
        self.assertEqual([r["fix"]["applied"] for r in json.loads(out)["results"]], [True, True])

    def test_through_links(self):
        self.tree(real__a=MOVE, b=MOVE)
        os.symlink("real/a.yaml", self.path("link.yaml"))
        self.run_tool("-iq", "--atomic", "link.yaml", "b.yaml")
        self.assertEqual(self.files(), {"real/a.yaml": MOVED, "link.yaml": "real/a.yaml", "b.yaml": MOVED})

    def test_since_and_lists(self):
        self.tree(a=MOVE, sub__b=MOVE, c=MOVE)
        self.run_tool("-iq", "--atomic", "--files-from", "-", stdin="a.yaml\nsub/b.yaml\n")
        self.assertEqual(self.files(), {"a.yaml": MOVED, "sub/b.yaml": MOVED, "c.yaml": MOVE})

    def test_usage(self):
        self.tree(a=MOVE)
        self.usage("--atomic", "a.yaml", says="go with --in-place")
        self.usage("recover", says="recover wants a path")

    def test_a_signal_undoes_it(self):
        """Sent as soon as there is a journal; a run that was faster is complete."""
        for i in range(400):
            self.write("d/%03d.yaml" % i, MOVE)
        for name in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            p = subprocess.Popen([test_cli.TOOL, "-iq", "--atomic", "."], cwd=self.dir)
            while not os.path.exists(self.path(JOURNAL)) and p.poll() is None:
                time.sleep(0.0005)
            p.send_signal(name)
            code = p.wait()
            self.assertIn(code, (0, -name))
            want = MOVED if code == 0 else MOVE
            self.assertEqual(set(self.files().values()), {want})
            self.assertEqual(len(self.files()), 400)
            for i in range(400):
                self.write("d/%03d.yaml" % i, MOVE)


class Journals(Tree):
    """What a run does with a journal it finds. That of a run that was really killed: test_kill.py."""

    def journal(self, text, name=JOURNAL):
        """With the header that belongs to it."""
        path = self.write(name, "")
        with open(path, "wb") as f:
            f.write(b"istio-fix journal 1 %d\0" % os.stat(path).st_ino + text)
        return path

    def stamp(self, name):
        st = os.stat(self.path(name))
        return b"%d %d %d %d " % (st.st_ino, st.st_size, st.st_mtime_ns // 10**9, st.st_mtime_ns % 10**9)

    def temp(self, name, text, at="."):
        """A file under the name that its inode gives it; its stamp. `name`: None, or a wrong inode's."""
        path = self.write(os.path.join(at, "x"), text)
        new = os.path.join(at, ".istio-fix.%016x" % (name or os.stat(path).st_ino))
        os.rename(path, self.path(new))
        return new, self.stamp(new)

    def refused(self, *args, says, **kw):
        before = self.files()
        _, err = self.run_tool("-iq", *args, code=2, **kw)
        self.assertIn(says, err)
        self.assertEqual(self.files(), before)

    def test_of_a_run_that_is_at_work(self):
        self.tree(a=MOVE, sub__b=MOVE)
        with open(self.journal(b""), "rb") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            for args in ["."], ["--atomic", "."], ["sub"], ["--atomic", "sub/b.yaml"]:
                self.refused(*args, says="is at work" if args[-1] == "." else "is unfinished")
        self.run_tool("-iq", ".")
        self.assertEqual(self.files(), {"a.yaml": MOVED, "sub/b.yaml": MOVED})

    def test_empty(self):
        self.tree(a=MOVE)
        for text in b"", b"\0" * 40:
            self.write(JOURNAL, text)
            self.run_tool("-iq", ".")
            self.assertEqual(self.files(), {"a.yaml": MOVED})

    def test_with_half_a_record(self):
        self.tree(a=MOVE)
        self.journal(b"file 1 2 3")
        self.run_tool("-iq", ".")
        self.assertEqual(self.files(), {"a.yaml": MOVED})

    def test_that_came_with_the_files(self):
        self.tree(a=MOVE)
        texts = [b"istio-fix journal 1 12345\0", b"hello", b"istio-fix journal 1\0", b"x\0y\0"]
        for text in texts:
            self.write(JOURNAL, text)
            self.refused(".", says="is of no run that was interrupted here")
            self.refused("--atomic", "a.yaml", says="is of no run that was interrupted here")
            self.assertEqual(self.run_tool("-q", ".", code=1)[1], "")
        self.write(JOURNAL, "")
        self.journal(b"nonsense\0")
        self.refused(".", says="is of no run that was interrupted here")

    def test_that_is_no_file(self):
        self.tree(a=MOVE, b=MOVE)
        os.symlink("b.yaml", self.path(JOURNAL))
        self.refused(".", says="is no journal of an interrupted run")
        os.unlink(self.path(JOURNAL))
        os.link(self.path("b.yaml"), self.path(JOURNAL))
        self.refused(".", says="is no journal of an interrupted run")
        os.unlink(self.path(JOURNAL))
        os.mkfifo(self.path(JOURNAL))
        self.assertIn("is no journal", self.run_tool("-iq", ".", code=2)[1])

    @need_root
    def test_of_somebody_else(self):
        self.tree(a=MOVE)
        os.chown(self.journal(b""), NOBODY, NOBODY)
        self.refused(".", says="belongs to somebody else")

    def test_that_leads_elsewhere(self):
        """The worst case: a journal that is right about everything, but not about where."""
        self.tree(w__a=MOVE)
        kept, old = self.temp(None, "old", "out")
        self.write("out/victim", "new")
        new = self.stamp("out/victim")
        os.symlink("../out", self.path("w/link"))
        for path in b"../out/victim", self.path("out/victim"), b"./../out/victim", b"x//y", b"", b"a/../../out/victim":
            self.journal(b"file " + old + new + path + b"\0", "w/" + JOURNAL)
            self.refused("w", says="is of no run that was interrupted here")
        self.journal(b"file " + old + new + b"link/victim\0", "w/" + JOURNAL)
        self.refused("w", says="cannot open its directory: not a directory")
        self.assertEqual((self.read("out/victim"), self.read(kept)), ("new", "old"))

    def test_that_suffixes_elsewhere(self):
        self.tree(a=MOVE)
        self.journal(b"backup /../../x\0done\0")
        self.refused(".", says="is of no run that was interrupted here")

    def test_about_files_that_are_others_now(self):
        self.tree(a=CLEAN)
        fresh, new = self.temp(None, "new")
        wrong, _ = self.temp(99, "somebody's")
        _, old = self.temp(None, "old")
        self.journal(b"file " + old + new + b"a.yaml\0" + b"file " + old.replace(b" 3 ", b" 4 ") + new + b"b.yaml\0")
        _, err = self.run_tool("recover", ".")
        self.assertIn("was interrupted, and is undone", err)
        self.assertEqual(self.read("a.yaml"), CLEAN)
        self.assertEqual(self.read(wrong), "somebody's")
        self.assertNotIn(fresh, self.files())
        self.assertNotIn(JOURNAL, self.files())

    def test_undo(self):
        self.tree(a=MOVED, sub__b=MOVE)
        kept, old = self.temp(None, MOVE)
        fresh, new = self.temp(None, MOVED, "sub")
        self.journal(b"file " + old + self.stamp("a.yaml") + b"a.yaml\0" +
                     b"file " + self.stamp("sub/b.yaml") + new + b"sub/b.yaml\0")
        for args in [".", "-q"], ["-d", "."], ["-f", "json", "-c", "."]:
            before = self.files()
            _, err = self.run_tool(*args, code=1)
            self.assertEqual("is unfinished" in err, "-q" not in args)
            self.assertEqual(self.files(), before)
        self.refused("sub", says="'istio-fix recover' with that path")
        self.refused("sub/b.yaml", "--atomic", says="'istio-fix recover' with that path")
        out, err = self.run_tool("recover", ".")
        self.assertEqual((out, err), ("", "istio-fix: note: a run over '.' was interrupted, and is undone (files: 2)\n"))
        self.assertEqual(self.files(), {"a.yaml": MOVE, "sub/b.yaml": MOVE})
        self.assertEqual(self.run_tool("recover", ".")[1], "istio-fix: note: no run was interrupted there\n")

    def test_finish(self):
        for backup in b"", b"backup .orig\0":
            self.tree(a=MOVED)
            kept, old = self.temp(None, MOVE)
            self.journal(backup + b"file " + old + self.stamp("a.yaml") + b"a.yaml\0done\0")
            _, err = self.run_tool("-i", ".")
            self.assertIn("was interrupted, and is finished (files: 1)\n", err)
            self.assertEqual(self.files(), dict([("a.yaml", MOVED)] + [("a.yaml.orig", MOVE)] * bool(backup)))

    def test_below_and_named(self):
        """Found from above by the walk, and from named files."""
        for args in ["."], ["sub"], ["sub/b.yaml"], ["other.yaml", "sub/b.yaml"]:
            self.tree(other=CLEAN, sub__b=MOVE)
            fresh, new = self.temp(None, MOVED, "sub")
            self.journal(b"file " + self.stamp("sub/b.yaml") + new + b"b.yaml\0", "sub/" + JOURNAL)
            _, err = self.run_tool("-i", *args)
            self.assertIn("was interrupted, and is undone (files: 1)\n", err)
            self.assertEqual(self.files(), {"other.yaml": CLEAN, "sub/b.yaml": MOVED})

    def test_sweep(self):
        self.tree(sub__a=MOVE)
        ours, _ = self.temp(None, MOVED, "sub")
        theirs, _ = self.temp(99, MOVED, "sub")
        self.write("sub/.istio-fix.new-abcdef", "")
        self.run_tool("-q", ".", code=1)
        self.assertIn(ours, self.files())  # a report writes nothing
        self.run_tool("-iq", ".")
        self.assertEqual(self.files(), {"sub/a.yaml": MOVED, theirs: MOVED})

    def test_no_sweep_below_a_journal(self):
        self.tree(sub__a=MOVE)
        ours, _ = self.temp(None, MOVED, "sub")
        self.journal(b"")
        self.refused("sub", says="is unfinished")

if __name__ == "__main__":
    if not os.access(test_cli.TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % test_cli.TOOL)
        sys.exit(77)
    test_cli.TOOL = os.path.abspath(test_cli.TOOL)
    unittest.main()
