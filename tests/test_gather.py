#!/usr/bin/env python3
"""Which files a run is about: --files-from, -0 and --since.

    test_gather.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import os
import shutil
import subprocess
import sys
import unittest

import test_cli
from test_cli import BROKEN, Case, MOVE, MOVED


class FilesFrom(Case):
    def listed(self, *args, code=1, **kw):
        return self.run_tool("-l", *args, code=code, **kw)[0].splitlines()

    def setUp(self):
        super().setUp()
        for name in "a.yaml", "b.yaml", "c d.yaml", "sub/e.yaml":
            self.write(name, MOVE)

    def test_lines(self):
        self.write("list", "b.yaml\n\nc d.yaml\nsub")  # blank lines and a missing line end
        self.assertEqual(self.listed("--files-from", "list"), ["b.yaml", "c d.yaml", "sub/e.yaml"])
        self.assertEqual(self.listed("--files-from=list", "a.yaml", "b.yaml"),
                         ["a.yaml", "b.yaml", "c d.yaml", "sub/e.yaml"])

    def test_relative_to_the_current_directory(self):
        self.write("sub/list", "e.yaml\n../a.yaml\n")
        self.assertEqual(self.listed("--files-from", "list", cwd=self.path("sub")), ["e.yaml", "../a.yaml"])

    def test_standard_input(self):
        self.assertEqual(self.listed("--files-from", "-", stdin="a.yaml\nsub/e.yaml\n"), ["a.yaml", "sub/e.yaml"])
        out, err = self.run_tool("-i", "--files-from", "-", stdin="a.yaml\n")
        self.assertEqual((out, err), ("", "fixed 1 finding in 1 file\n"))
        self.assertEqual((self.read("a.yaml"), self.read("b.yaml")), (MOVED, MOVE))

    def test_a_pipe(self):
        os.mkfifo(self.path("fifo"))
        writer = subprocess.Popen(["sh", "-c", "echo b.yaml >fifo"], cwd=self.dir)
        self.assertEqual(self.listed("--files-from", "fifo"), ["b.yaml"])
        self.assertEqual(writer.wait(), 0)

    def test_null(self):
        odd = b"odd\n\xff.yaml"
        self.write(odd, MOVE)
        for option in "-0", "--null":
            out, _ = self.run_tool("-l", option, "--files-from", "-", code=1, raw=True,
                                   stdin=b"a.yaml\0\0" + odd + b"\0")
            self.assertEqual(out, b"a.yaml\0" + odd + b"\0")
        self.run_tool("-iq0", "--files-from", "-", stdin=odd)
        self.assertEqual(self.read(odd), MOVED)
        self.assertEqual(self.read("a.yaml"), MOVE)

    def test_nothing_listed(self):
        for args in [], ["-i"], ["-c"], ["-0"]:
            self.assertEqual(self.run_tool(*args, "--files-from", "-", stdin=""), ("", "no findings in 0 files\n"))

    def test_what_is_not_there(self):
        self.write("list", "gone.yaml\na.yaml\n")
        _, err = self.run_tool("-iq", "--files-from", "list", code=2)
        line, = self.lines(err, 1)
        self.assertEqual(line, "gone.yaml: error: no such file or directory [read]")
        self.assertEqual(self.read("a.yaml"), MOVED)  # the others are done
        self.failure("--files-from", "nowhere", name="nowhere", rule="read", says="no such file")
        self.failure("--files-from", "sub", name="sub", rule="read", says="directory")

    def test_null_bytes_without_the_option(self):
        self.write("list", b"a.yaml\0b.yaml\0")
        self.failure("--files-from", "list", name="list", rule="read", says="-0")

    def test_lines_with_the_option(self):
        self.failure("-0", "--files-from", "-", stdin="a.yaml\nb.yaml\n", name="<stdin>", rule="read", says="leave out -0")

    def test_a_dash_in_the_list_is_a_file(self):
        self.write("-", MOVE)
        self.assertEqual(self.listed("--files-from", "-", stdin="-\n"), ["-"])

    def test_listed_files_are_named(self):
        self.write(".git/HEAD", "ref: refs/heads/main\n")
        self.write(".gitignore", "*.yaml\n")
        self.assertEqual(self.listed("--files-from", "-", stdin="a.yaml\n"), ["a.yaml"])

    def test_usage(self):
        self.usage("--files-from", "-", "-", says="stands alone")
        self.usage("--files-from=", "a.yaml", says="--files-from wants a file")
        self.usage("a.yaml", "--files-from", says="wants a value")


@unittest.skipUnless(shutil.which("git"), "git is not installed")
class Since(Case):
    def git(self, *args, tree="."):
        env = dict(os.environ, GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", LC_ALL="C")
        for name in "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE":
            env.pop(name, None)
        subprocess.run(["git", "-C", self.path(tree), "-c", "user.name=a", "-c", "user.email=a@example.com"] +
                       [os.fsencode(a) for a in args], check=True, env=env, stdout=subprocess.DEVNULL)

    def listed(self, *args, code=1, **kw):
        return self.run_tool("-l", *args, code=code, **kw)[0].splitlines()

    def repository(self, tree="."):
        for name in "a.yaml", "b.yaml", "sub/c.yaml", "sub/d.yaml", "other/e.yaml":
            self.write(os.path.join(tree, name), MOVE)
        self.git("init", "-q", tree=tree)
        self.git("add", ".", tree=tree)
        self.git("commit", "-qm", "first", tree=tree)

    def setUp(self):
        super().setUp()
        self.repository()

    def test_changed_files_only(self):
        self.assertEqual(self.listed("--since", "HEAD", ".", code=0), [])
        self.write("b.yaml", MOVE + "# more\n")
        self.write("sub/new.yaml", MOVE)
        self.write("sub/staged.yaml", MOVE)
        self.git("add", "sub/staged.yaml")
        os.unlink(self.path("other/e.yaml"))
        changed = ["b.yaml", "sub/new.yaml", "sub/staged.yaml"]
        self.assertEqual(self.listed("--since", "HEAD", "."), changed)
        self.assertEqual(self.listed("--since=HEAD"), changed)
        self.assertEqual(self.listed("--since", "HEAD", "sub"), changed[1:])
        self.assertEqual(self.listed("--since", "HEAD", "a.yaml", "b.yaml"), ["b.yaml"])
        self.assertEqual(self.listed("--since", "HEAD", "--files-from", "-", stdin="sub\na.yaml\n"), changed[1:])
        self.assertEqual(self.listed("--since", "HEAD", cwd=self.path("sub")), ["new.yaml", "staged.yaml"])
        self.assertEqual(self.listed("--since", "HEAD", self.path("sub")),
                         [self.path(n).decode() for n in changed[1:]])

    def test_committed_since(self):
        self.git("tag", "v1")
        self.write("a.yaml", MOVE + "# more\n")
        self.git("mv", "sub/c.yaml", "sub/renamed.yaml")
        self.git("commit", "-qam", "second")
        self.write("other/e.yaml", MOVE + "# more\n")
        self.assertEqual(self.listed("--since", "v1"), ["a.yaml", "other/e.yaml", "sub/renamed.yaml"])
        self.assertEqual(self.listed("--since", "HEAD~1", "sub"), ["sub/renamed.yaml"])
        self.assertEqual(self.listed("--since", "HEAD"), ["other/e.yaml"])

    def test_ignored_files_are_not_new(self):
        self.write(".gitignore", "x.yaml\n")
        self.write("x.yaml", MOVE)
        self.assertEqual(self.listed("--since", "HEAD", code=0), [])

    def test_touched_is_not_changed(self):
        os.utime(self.path("a.yaml"), (1, 1))
        self.assertEqual(self.listed("--since", "HEAD", code=0), [])

    def test_in_place(self):
        self.write("b.yaml", MOVE + "# more\n")
        self.assertEqual(self.run_tool("-i", "--since", "HEAD"), ("", "fixed 1 finding in 1 file\n"))
        self.assertEqual(self.read("a.yaml"), MOVE)
        self.assertEqual(self.read("b.yaml"), MOVED + "# more\n")

    def test_unchanged_files_are_still_seen(self):
        """b.yaml is a patch because a file says so that did not change: what was a partial object is moved into."""
        partial = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: s\n  annotations:\n" \
                  "    sidecar.istio.io/rewriteAppHTTPProbers: 'false'\n"
        self.write("b.yaml", partial)
        self.run_tool("-iq", "--since", "HEAD", code=1)
        self.assertEqual(self.read("b.yaml"), partial)
        self.write("kustomization.yaml", "patches:\n- path: b.yaml\n")
        self.git("add", "kustomization.yaml")
        self.git("commit", "-qm", "second", "kustomization.yaml")
        self.run_tool("-iq", "--since", "HEAD", ".")
        self.assertIn("template:", self.read("b.yaml"))
        self.assertEqual(self.read("a.yaml"), MOVE)

    def test_unchanged_files_that_are_broken(self):
        self.write("a.yaml", BROKEN)
        self.git("commit", "-qam", "second")
        self.write("b.yaml", MOVED)
        self.assertEqual(self.run_tool("--since", "HEAD"), ("", "no findings in 1 file\n"))

    def test_odd_names(self):
        odd = b"sub/\"odd\t\n\xff.yaml"
        self.write(odd, MOVE)
        self.assertEqual(self.run_tool("-l0", "--since", "HEAD", code=1, raw=True)[0], odd + b"\0")
        self.git("add", ".")
        self.assertEqual(self.run_tool("-l0", "--since", "HEAD", code=1, raw=True)[0], odd + b"\0")

    def test_several_trees(self):
        self.repository("t1")
        self.repository("t2")
        self.write("t1/a.yaml", MOVE + "# more\n")
        self.write("t2/sub/c.yaml", MOVE + "# more\n")
        self.assertEqual(self.listed("--since", "HEAD", "t1", "t2/sub", "t1/b.yaml"), ["t1/a.yaml", "t2/sub/c.yaml"])

    def test_inside_a_hook(self):
        self.repository("t1")
        self.write("a.yaml", MOVE + "# more\n")
        env = {"GIT_DIR": self.path("t1/.git").decode(), "GIT_INDEX_FILE": "nowhere", "GIT_WORK_TREE": self.dir + "/t1"}
        self.assertEqual(self.listed("--since", "HEAD", "a.yaml", env=env), ["a.yaml"])

    def test_no_work_tree(self):
        shutil.rmtree(self.path(".git"))
        self.failure("-i", "--since", "HEAD", ".", name=".", rule="read", says="no git work tree")
        self.assertEqual(self.read("a.yaml"), MOVE)

    def test_no_such_revision(self):
        for rev in "nope", "HEAD..HEAD", "HEAD nope", "a'; touch x", "HEAD^{blob}":
            self.failure("-i", "--since", rev, ".", name=os.path.realpath(self.dir), rule="read", says="no revision here")
        self.assertEqual(self.read("a.yaml"), MOVE)
        self.assertFalse(os.path.exists(self.path("x")))
        for rev, says in ("HEAD~1..HEAD", "it wants one, not a range"), ("origin/main", "was it fetched?"):
            self.failure("--since", rev, ".", name=os.path.realpath(self.dir), rule="read", says=says)

    def test_a_revision_that_git_warns_about(self):
        self.assertEqual(self.listed("--since", "@{9 years ago}", ".", code=0), [])

    def test_usage(self):
        self.usage("--since", "-O/etc/passwd", ".", says="wants a git revision")
        self.usage("--since", "--output=x", ".", says="wants a git revision")
        self.usage("--since=", ".", says="wants a git revision")
        self.usage("--since", "HEAD", "-", says="stands alone")
        self.assertFalse(os.path.exists(self.path("x")))

    def test_no_git(self):
        self.failure("--since", "HEAD", ".", env={"PATH": self.dir}, name=os.path.realpath(self.dir), rule="read",
                     says="cannot run git: no such file")

    def test_a_hostile_configuration_starts_nothing(self):
        bait = self.path("ran").decode()
        program = self.write("program", "#!/bin/sh\ntouch %s\ncat\n" % bait, 0o755).decode()
        self.write("hooks/post-index-change", "#!/bin/sh\ntouch %s\n" % bait, 0o755)
        self.write(".gitattributes", "*.yaml diff=evil\n")
        for key, value in [("core.fsmonitor", program), ("diff.external", program), ("diff.evil.command", program),
                           ("diff.evil.textconv", program), ("core.hooksPath", self.path("hooks").decode()),
                           ("core.pager", program), ("alias.diff", "!" + program), ("diff.noprefix", "true"),
                           ("diff.relative", "true"), ("color.ui", "always"), ("diff.renames", "copies")]:
            self.git("config", key, value)
        self.write("b.yaml", MOVE + "# more\n")
        os.utime(self.path("a.yaml"), (1, 1))
        if os.path.exists(bait):
            os.unlink(bait)
        self.assertEqual(self.listed("--since", "HEAD", "."), ["b.yaml"])
        self.assertFalse(os.path.exists(bait))


if __name__ == "__main__":
    if not os.access(test_cli.TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % test_cli.TOOL)
        sys.exit(77)
    test_cli.TOOL = os.path.abspath(test_cli.TOOL)
    unittest.main()
