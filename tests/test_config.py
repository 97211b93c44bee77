#!/usr/bin/env python3
"""Settings files: which one holds for a file, what it may say, and that a stranger's can do no harm.

    test_config.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")

# A finding of `duration`, a repair, and one of `misplaced-annotation`, also a repair.
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations:
    sidecar.istio.io/rewriteAppHTTPProbers: "false"
spec:
  template:
    metadata:
      labels:
        app: shop
      annotations:
        proxy.istio.io/config: |
          drainDuration: 45
"""
# Two readings: `choose` decides.
ASK = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations:
    sidecar.istio.io/rewriteAppHTTPProbers: "false"
spec:
  template:
    metadata:
      annotations:
        sidecar.istio.io/rewriteAppHTTPProbers: "true"
"""
RULE = """\
id: no-shop
summary: nothing is called shop
source: https://example.com/
severity: warning
level: report
match: {group: apps, kind: Deployment}
each: metadata
cases:
  - when: {has: [name]}
    message: do not call it so
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        os.mkdir(os.path.join(self.dir, ".git"))

    def write(self, path, text):
        path = os.path.join(self.dir, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as f:
            f.write(text)

    def read(self, path):
        with open(os.path.join(self.dir, path), newline="") as f:
            return f.read()

    def run_tool(self, *args, code=None, text=None, env=None, cwd="."):
        env = dict({k: v for k, v in os.environ.items() if k != "ISTIO_FIX_CONFIG"}, **(env or {}))
        p = subprocess.run([TOOL, *args], cwd=os.path.join(self.dir, cwd), input=text, text=True, env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if code is not None:
            self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        return p

    def rules(self, *args, code=None, **kw):
        """{path: sorted rules found}"""
        p = self.run_tool("-f", "json", *args, code=code, **kw)
        found = {}
        for r in json.loads(p.stdout)["results"]:
            found.setdefault(r["path"], []).append(r["rule"])
        return {path: sorted(rules) for path, rules in found.items()}

    def fails(self, *args, says, **kw):
        """Exit 2; standard error is these lines, and nothing was found or written."""
        p = self.run_tool(*args, code=2, **kw)
        self.assertEqual([line for line in p.stderr.splitlines() if "findings in" not in line],
                         [says] if isinstance(says, str) else says)
        return p


BOTH = ["duration", "misplaced-annotation"]


class Lookup(Case):
    def test_the_nearest_holds_and_they_do_not_add_up(self):
        self.write(".istio-fix.yaml", "ignore: [duration]\n")
        self.write("a/.istio-fix.yml", "ignore: [misplaced-annotation]\n")
        for path in ("top.yaml", "a/x.yaml", "a/b/c/x.yaml", "z/x.yaml"):
            self.write(path, DEPLOYMENT)
        self.assertEqual(self.rules(".", code=1), {
            "top.yaml": ["misplaced-annotation"], "a/x.yaml": ["duration"], "a/b/c/x.yaml": ["duration"],
            "z/x.yaml": ["misplaced-annotation"]})
        self.assertEqual(self.rules("a/b/c/x.yaml"), {"a/b/c/x.yaml": ["duration"]})
        self.assertEqual(self.rules("../../z/../a/b/c/x.yaml", cwd="a/b"), {"../../z/../a/b/c/x.yaml": ["duration"]})
        whole = os.path.join(os.path.realpath(self.dir), "z/x.yaml")
        self.assertEqual(self.rules(whole, cwd="/"), {whole: ["misplaced-annotation"]})

    def test_it_ends_at_the_top_of_the_work_tree(self):
        self.write(".istio-fix.yaml", "ignore: [duration]\n")
        self.write("sub/x.yaml", DEPLOYMENT)
        os.mkdir(os.path.join(self.dir, "sub", ".git"))
        self.assertEqual(self.rules("sub"), {"sub/x.yaml": BOTH})
        self.write("sub/.istio-fix.yaml", "ignore: [misplaced-annotation]\n")  # its own top counts
        self.assertEqual(self.rules("sub"), {"sub/x.yaml": ["duration"]})

    def test_a_file_named_git_is_a_work_tree_too(self):
        self.write(".istio-fix.yaml", "ignore: [duration]\n")
        self.write("sub/x.yaml", DEPLOYMENT)
        self.write("sub/.git", "gitdir: elsewhere\n")
        self.assertEqual(self.rules("--no-gitignore", "sub"), {"sub/x.yaml": BOTH})

    def test_both_spellings_in_one_directory(self):
        self.write(".istio-fix.yaml", "level: safe\n")
        self.write(".istio-fix.yml", "level: safe\n")
        self.write("x.yaml", DEPLOYMENT)
        self.fails("-i", "x.yaml",
                   says=".istio-fix.yaml: error: '.istio-fix.yml' is there as well; keep one of them [config]")
        self.assertEqual(self.read("x.yaml"), DEPLOYMENT)

    def test_config_and_environment_hold_for_all(self):
        self.write(".istio-fix.yaml", "ignore: [duration]\n")
        self.write("a/.istio-fix.yaml", "ignore: [duration]\n")
        self.write("conf/mine.yaml", "ignore: [misplaced-annotation]\n")
        self.write("other.yaml", "select: [api-version]\n")
        self.write("top.yaml", DEPLOYMENT)
        self.write("a/x.yaml", DEPLOYMENT)
        want = {"top.yaml": ["duration"], "a/x.yaml": ["duration"]}
        names = ["top.yaml", "a/x.yaml"]
        env = {"ISTIO_FIX_CONFIG": "conf/mine.yaml"}
        self.assertEqual(self.rules("--config", "conf/mine.yaml", *names), want)
        self.assertEqual(self.rules(*names, env=env), want)
        self.assertEqual(self.rules("--config", "other.yaml", *names, env=env), {})
        self.assertEqual(self.rules(*names, env={"ISTIO_FIX_CONFIG": ""}),
                         {n: ["misplaced-annotation"] for n in names})
        for e in ({}, env):
            self.assertEqual(self.rules("--no-config", *names, env=e), {n: BOTH for n in names})
        self.fails("--config", "other.yaml", "--no-config", ".",
                   says="istio-fix: error: --config and --no-config exclude each other; see 'istio-fix --help'")

    def test_a_config_that_is_not_there(self):
        self.write("x.yaml", DEPLOYMENT)
        for args, env in ((["--config", "no.yaml"], {}), ([], {"ISTIO_FIX_CONFIG": "no.yaml"})):
            p = self.fails("-f", "json", *args, "x.yaml", env=env,
                           says="no.yaml: error: no such file or directory [config]")
            self.assertEqual(p.stdout, "")

    def test_a_directory_of_that_name(self):
        os.mkdir(os.path.join(self.dir, ".istio-fix.yaml"))
        self.write("x.yaml", DEPLOYMENT)
        self.fails("x.yaml", says=".istio-fix.yaml: error: is a directory [config]")

    def test_standard_input(self):
        self.write(".istio-fix.yaml", "ignore: [duration]\n")
        self.write("a/.istio-fix.yaml", "ignore: [misplaced-annotation]\npaths:\n- path: old/\n  ignore: [duration]\n")
        here = self.run_tool("-", text=DEPLOYMENT, code=0).stdout
        self.assertIn("drainDuration: 45\n", here)
        self.assertNotEqual(here, DEPLOYMENT)
        there = self.run_tool("--stdin-filename", "a/b/x.yaml", "-", text=DEPLOYMENT, code=0).stdout
        self.assertEqual(there, DEPLOYMENT.replace("45", "45s"))
        per_path = self.run_tool("--stdin-filename", "a/old/not-there/x.yaml", "-", text=DEPLOYMENT, code=0).stdout
        self.assertEqual(per_path, DEPLOYMENT)

    def test_standard_input_that_is_excluded(self):
        self.write(".istio-fix.yaml", "exclude: [vendor/]\nforce-exclude: true\n")
        out = self.run_tool("--stdin-filename", "vendor/x.yaml", "-", text=DEPLOYMENT, code=0)
        self.assertEqual((out.stdout, out.stderr), (DEPLOYMENT, ""))

    def test_a_function_looks_for_none(self):
        """Where the engine runs us differs by version; what counts is what comes along."""
        self.write(".istio-fix.yaml", "bananas: true\n")
        self.write("named.yaml", "ignore: [duration]\n")
        items = "items:\n- " + DEPLOYMENT.replace("\n", "\n  ").rstrip() + "\n"
        text = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n" + items
        config = ("functionConfig:\n  apiVersion: istio-fix.dev/v1\n  kind: IstioFix\n  metadata: {name: x}\n"
                  "  spec: {ignore: [misplaced-annotation]}\n")
        self.assertIn("45s", self.run_tool(text=text, code=0).stdout)
        out = self.run_tool(text=text, code=0, env={"ISTIO_FIX_CONFIG": "named.yaml"}).stdout
        self.assertNotIn("45s", out)
        out = self.run_tool(text=text + config, code=0, env={"ISTIO_FIX_CONFIG": "named.yaml"}).stdout
        self.assertIn("45s", out)
        self.assertEqual(self.run_tool("-", text=text, code=2).stdout, "")  # no function, a filter

    def test_a_broken_file_stops_its_files_only(self):
        self.write("a/.istio-fix.yaml", "bananas: true\n")
        self.write("a/x.yaml", DEPLOYMENT)
        self.write("a/b/y.yaml", DEPLOYMENT)
        self.write("z.yaml", DEPLOYMENT)
        self.fails("-i", ".", says="a/.istio-fix.yaml:1:1: error: there is no setting 'bananas'; "
                   "see 'istio-fix --help' [config]")
        self.assertEqual(self.read("a/x.yaml"), DEPLOYMENT)
        self.assertEqual(self.read("a/b/y.yaml"), DEPLOYMENT)
        self.assertIn("45s", self.read("z.yaml"))
        out = self.run_tool("--stdin-filename", "a/x.yaml", "-", text=DEPLOYMENT, code=2)
        self.assertEqual(out.stdout, "")  # an empty answer, but with exit 2

    def test_it_is_no_manifest(self):
        text = DEPLOYMENT + "# not settings at all\n"
        self.write(".istio-fix.yaml", text)
        self.write("x.yaml", DEPLOYMENT)
        self.assertEqual(self.run_tool("-l", "--no-config", ".", code=1).stdout, "x.yaml\n")
        self.write(".istio-fix.yaml", "level: safe\n")
        p = self.run_tool("-v", ".istio-fix.yaml", code=0)  # as pre-commit names it
        self.assertIn("no findings in 0 files", p.stderr)
        self.write(".istio-fix.yaml", "level: high\n")
        self.fails(".istio-fix.yaml",
                   says=".istio-fix.yaml:1:8: error: level is safe, repair or all, not 'high' [config]")

    def test_symlinks(self):
        self.write("real/.istio-fix.yaml", "ignore: [duration]\n")
        self.write("real/x.yaml", DEPLOYMENT)
        os.symlink("real", os.path.join(self.dir, "link"))
        os.symlink("loop", os.path.join(self.dir, "loop"))
        self.assertEqual(self.rules("link/x.yaml"), {"link/x.yaml": ["misplaced-annotation"]})
        p = self.run_tool("loop/x.yaml", code=2)
        self.assertIn("loop/x.yaml: error: too many levels of symbolic links [read]", p.stderr)

    def test_verbose_says_which(self):
        self.write(".istio-fix.yaml", "ignore: [duration]\n")
        self.write("a/x.yaml", DEPLOYMENT)
        self.write("a/y.yaml", DEPLOYMENT)
        p = self.run_tool("-v", "a", code=1)
        self.assertEqual(p.stderr.count("istio-fix: note: settings of '.istio-fix.yaml'\n"), 1)
        self.assertNotIn("settings of", self.run_tool("a", code=1).stderr)

    def test_rules_of_the_current_directory(self):
        self.write(".istio-fix.yaml", "rules: mine\n")
        self.write("mine/no-shop.yaml", RULE)
        self.assertIn("\nno-shop ", self.run_tool("rules", code=0).stdout)
        self.assertIn("nothing is called shop", self.run_tool("rules", "no-shop", code=0).stdout)


    def test_a_file_in_each_directory(self):
        """Settings that are alike share their rules: 1,000 files cost little memory."""
        for i in range(1000):
            self.write("many/%d/.istio-fix.yaml" % i, "ignore: [duration]\n")
            self.write("many/%d/x.yaml" % i, "istio.io: 1\n")
        self.write("many/7/x.yaml", DEPLOYMENT)
        limit = lambda: resource.setrlimit(resource.RLIMIT_DATA, (128 << 20, 128 << 20))
        p = subprocess.run([TOOL, "-l", "many"], cwd=self.dir, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           preexec_fn=None if "asan" in TOOL else limit)
        self.assertEqual((p.returncode, p.stdout), (1, "many/7/x.yaml\n"), p.stderr)


class Content(Case):
    def setUp(self):
        super().setUp()
        self.write("x.yaml", DEPLOYMENT)

    def conf(self, text):
        self.write(".istio-fix.yaml", text)

    def test_command_line_wins(self):
        self.conf("level: safe\nselect: [duration]\nignore: [api-version]\n")
        self.assertEqual(self.run_tool("-d", "x.yaml", code=1).stdout, "")
        self.assertIn("45s", self.run_tool("-d", "--level", "repair", "x.yaml", code=1).stdout)
        self.assertEqual(self.rules("-s", "misplaced-annotation", "x.yaml"), {"x.yaml": ["misplaced-annotation"]})
        self.conf("ignore: [duration]\n")
        self.assertEqual(self.rules("-x", "misplaced-annotation", "x.yaml"), {"x.yaml": ["duration"]})
        self.assertEqual(self.rules("-s", "duration", "x.yaml"), {"x.yaml": ["duration"]})

    def test_choose(self):
        self.write("x.yaml", ASK)
        self.conf("choose: {misplaced-annotation: outer}\n")
        self.run_tool("-i", "x.yaml", code=0)
        self.assertEqual(self.read("x.yaml").count('rewriteAppHTTPProbers: "false"'), 1)
        self.write("x.yaml", ASK)
        self.run_tool("-i", "--choose", "misplaced-annotation=template", "x.yaml", code=0)
        self.assertEqual(self.read("x.yaml").count('rewriteAppHTTPProbers: "true"'), 1)

    def test_fail_on_is_the_files_own(self):
        self.conf("fail-on: error\nignore: [duration]\n")
        self.run_tool("x.yaml", code=0)
        self.write("strict/y.yaml", DEPLOYMENT)
        self.write("strict/.istio-fix.yaml", "fail-on: info\nignore: [duration]\n")
        self.run_tool(".", code=1)
        self.run_tool("--fail-on", "error", ".", code=0)

    def test_fail_on_of_a_file_breaks_no_pipeline(self):
        self.conf("fail-on: info\nlevel: safe\n")
        self.run_tool("-", text=DEPLOYMENT, code=0)
        self.run_tool("--fail-on", "info", "-", text=DEPLOYMENT, code=1)

    def test_names_that_no_rule_has(self):
        self.conf("select:\n  - duration\n  - misplaced-anotation\n")
        self.fails("x.yaml", says=".istio-fix.yaml:3:5: error: no rule is called 'misplaced-anotation'; "
                   "did you mean 'misplaced-annotation'? [config]")
        self.conf("choose: {duration: x, misplaced-annotation: y}\n")
        self.fails("x.yaml", says=[
            ".istio-fix.yaml:1:10: error: rule 'duration' asks nothing; leave it out [config]",
            ".istio-fix.yaml:1:23: error: 'y' is no answer to rule 'misplaced-annotation'; "
            "see 'istio-fix rules misplaced-annotation' [config]"])
        self.conf("level: all\n")
        self.fails("-s", "durations", "x.yaml",
                   says="istio-fix: error: --select: no rule is called 'durations'; did you mean 'duration'?")

    def test_a_wrong_option_is_told_once_for_all_files(self):
        self.write("a/y.yaml", DEPLOYMENT)
        self.write("a/.istio-fix.yaml", "level: all\n")
        p = self.fails("-f", "json", "-s", "nope", ".",
                       says="istio-fix: error: --select: no rule is called 'nope'; see 'istio-fix rules'")
        self.assertEqual(p.stdout, "")

    def test_text_that_is_no_settings(self):
        for text, says in (
                ("a: [\n", None), ("\tx: 1\n", None), ("a: b\n--- \nc: d\n", None), ("level: \xff\n", None),
                ("- level\n", ":1:1: error: settings are a map, not a list [config]"),
                ("level: safe\n---\nlevel: all\n",
                 ":2:1: error: settings are one document; there is another one [config]")):
            with self.subTest(text=text):
                with open(os.path.join(self.dir, ".istio-fix.yaml"), "w", encoding="latin-1") as f:
                    f.write(text)
                p = self.run_tool("x.yaml", code=2)
                line = p.stderr.splitlines()[0]
                self.assertRegex(line, r"^\.istio-fix\.yaml:\d+:\d+: error: [^\n]+ \[config\]$")
                if says:
                    self.assertEqual(line, ".istio-fix.yaml" + says)
                self.assertEqual(p.stdout, "")

    def test_empty_files_say_nothing(self):
        for text in ("", "# only a comment\n", "---\n", "{}\n", "level: safe\n...\n"):
            self.conf(text)
            self.assertEqual(self.rules("x.yaml", code=1), {"x.yaml": BOTH}, text)

    def test_too_large(self):
        self.conf("#" * (1 << 20) + "\n")
        self.fails("x.yaml", says=".istio-fix.yaml: error: larger than a megabyte [config]")

    def test_namespace_and_version_reach_the_rules(self):
        """The index sees each file with its own settings."""
        self.write("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: blue\n  labels:\n"
                   "    istio.io/rev: canary\n")
        pod = ("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  template:\n    metadata:\n"
               "      labels:\n        istio.io/dataplane-mode: ambient\n")
        self.write("blue/d.yaml", pod)
        self.write("red/d.yaml", pod)
        before = self.rules("-s", "ambient-conflict", "ns.yaml", "blue", "red")
        self.write("blue/.istio-fix.yaml", "namespace: blue\n")
        self.write("red/.istio-fix.yaml", "namespace: red\n")
        after = self.rules("-s", "ambient-conflict", "ns.yaml", "blue", "red")
        one = self.rules("-s", "ambient-conflict", "-n", "blue", "--no-config", "ns.yaml", "blue", "red")
        self.assertNotIn("blue/d.yaml", before)
        self.assertIn("blue/d.yaml", after)
        self.assertNotIn("red/d.yaml", after)
        self.assertIn("red/d.yaml", one)


class Paths(Case):
    def setUp(self):
        super().setUp()
        for path in ("x.yaml", "legacy/x.yaml", "legacy/deep/x-old.yaml", "new/x.yaml", "new/x-old.yaml"):
            self.write(path, DEPLOYMENT)

    def found(self, text, *args, at=""):
        self.write(at + ".istio-fix.yaml", text)
        return self.rules(*args, at or ".")

    def test_globs_as_in_a_gitignore(self):
        one = ["misplaced-annotation"]
        for globs, want in (
                ("legacy/", {"legacy/x.yaml", "legacy/deep/x-old.yaml"}),
                ("./legacy", {"legacy/x.yaml", "legacy/deep/x-old.yaml"}),
                ("legacy/*.yaml", {"legacy/x.yaml"}),
                ("'*-old.yaml'", {"legacy/deep/x-old.yaml", "new/x-old.yaml"}),
                ("[/x.yaml, deep]", {"x.yaml", "legacy/deep/x-old.yaml"}),
                ("'**'", {"x.yaml", "legacy/x.yaml", "legacy/deep/x-old.yaml", "new/x.yaml", "new/x-old.yaml"}),
                ("['*-old.yaml', '!new/x-old.yaml']", {"legacy/deep/x-old.yaml"})):
            found = self.found("paths:\n- path: %s\n  ignore: [duration]\n" % globs)
            self.assertEqual({p for p, rules in found.items() if rules == one}, want, globs)
            self.assertEqual(len(found), 5)

    def test_later_items_win(self):
        found = self.found("ignore: [duration]\npaths:\n"
                           "- path: legacy/\n  ignore: [misplaced-annotation]\n"
                           "- path: deep/\n  select: [duration]\n"
                           "- path: new/\n  select: [ALL]\n  ignore: [misplaced-annotation]\n")
        self.assertEqual(found, {"x.yaml": ["misplaced-annotation"], "legacy/deep/x-old.yaml": ["duration"],
                                 "new/x.yaml": ["duration"], "new/x-old.yaml": ["duration"]})

    def test_level_per_path(self):
        self.write(".istio-fix.yaml", "level: safe\npaths:\n- path: new/\n  level: repair\n")
        self.assertEqual(self.run_tool("-l", ".", code=1).stdout, "new/x-old.yaml\nnew/x.yaml\n")
        self.assertEqual(self.run_tool("-l", "--level", "safe", ".", code=1).stdout, "")

    def test_they_count_from_the_directory_of_the_file(self):
        found = self.found("paths:\n- path: /x.yaml\n  ignore: [duration]\n", at="new/")
        self.assertEqual(found, {"new/x.yaml": ["misplaced-annotation"], "new/x-old.yaml": BOTH})
        self.assertEqual(self.rules("x.yaml", cwd="new"), {"x.yaml": ["misplaced-annotation"]})

    def test_of_a_named_config(self):
        self.write("conf/c.yaml", "paths:\n- path: '*-old.yaml'\n  ignore: [duration]\n- path: /x.yaml\n  select: [api-version]\n")
        found = self.rules("--config", "conf/c.yaml", ".")
        self.assertEqual(found["new/x-old.yaml"], ["misplaced-annotation"])
        self.assertEqual(found["x.yaml"], BOTH)

    def test_mistakes(self):
        for text, says in (
                ("paths: {}\n", ":1:8: error: 'paths' must be a list, not a map"),
                ("paths:\n- legacy\n", ":2:3: error: an item of paths must be a map, not a text"),
                ("paths:\n- level: safe\n", ":2:3: error: 'path' is missing: the files these settings are for"),
                ("paths:\n- path: []\n", ":2:9: error: 'path' is an empty list"),
                ("paths:\n- path: ''\n", ":2:9: error: path is empty; '**' is every file"),
                ("paths:\n- path: [a, {b: c}]\n", ":2:13: error: path must be a text, not a map"),
                ("paths:\n- path: a\n  exclude: [b]\n",
                 ":3:3: error: 'exclude' holds for all paths; set it at the top of the file"),
                ("paths:\n- path: a\n  levle: safe\n",
                 ":3:3: error: there is no setting 'levle'; did you mean 'level'?"),
                ("paths:\n- path: a\n  paths: []\n",
                 ":3:3: error: 'paths' is for the top of a file .istio-fix.yaml only"),
                ("path: a\n", ":1:1: error: there is no setting 'path'; did you mean 'paths'?")):
            self.write(".istio-fix.yaml", text)
            with self.subTest(text=text):
                self.fails("x.yaml", says=".istio-fix.yaml" + says + " [config]")

    def test_many_items(self):
        """2,000 files, each with settings of its own: each is made once, and time stays linear."""
        for i in range(2000):
            self.write("many/f%d.yaml" % i, "a: 1\n")
        self.write(".istio-fix.yaml", "paths:\n" + "".join(
            "- path: f*%d*.yaml\n  level: safe\n" % i for i in range(100)))
        self.run_tool("many", code=0)


class Excludes(Case):
    def setUp(self):
        super().setUp()
        for path in ("x.yaml", "vendor/x.yaml", "a/vendor/x.yaml", "a/y.yaml", "a/b/y.yaml"):
            self.write(path, DEPLOYMENT)

    def listed(self, *args, **kw):
        return self.run_tool("-l", *args, **kw).stdout.split()

    def test_below_the_file(self):
        self.write(".istio-fix.yaml", "exclude: [vendor/]\n")
        self.assertEqual(self.listed("."), ["a/b/y.yaml", "a/y.yaml", "x.yaml"])
        self.assertEqual(self.listed("a", "vendor/x.yaml"), ["a/b/y.yaml", "a/y.yaml", "vendor/x.yaml"])
        self.write(".istio-fix.yaml", "exclude: [/vendor/, b/*.yaml, ./x.yaml]\n")
        self.assertEqual(self.listed("."), ["a/b/y.yaml", "a/vendor/x.yaml", "a/y.yaml"])
        self.assertEqual(self.listed(".", cwd="a"), ["b/y.yaml", "vendor/x.yaml", "y.yaml"])

    def test_of_the_nearest_file_only(self):
        self.write(".istio-fix.yaml", "exclude: [y.yaml]\n")
        self.write("a/b/.istio-fix.yaml", "level: repair\n")
        self.assertEqual(self.listed("."), ["a/b/y.yaml", "a/vendor/x.yaml", "vendor/x.yaml", "x.yaml"])

    def test_command_line_replaces_it(self):
        self.write(".istio-fix.yaml", "exclude: [vendor/]\n")
        self.assertEqual(self.listed("--exclude", "a", "."), ["vendor/x.yaml", "x.yaml"])

    def test_named_files(self):
        self.write(".istio-fix.yaml", "exclude: [vendor/]\n")
        names = ["vendor/x.yaml", "a/y.yaml", "a/vendor"]
        self.assertEqual(self.listed(*names), ["vendor/x.yaml", "a/y.yaml", "a/vendor/x.yaml"])
        self.assertEqual(self.listed("--force-exclude", *names), ["a/y.yaml"])
        self.write(".istio-fix.yaml", "exclude: [vendor/]\nforce-exclude: true\n")
        self.assertEqual(self.listed(*names), ["a/y.yaml"])
        self.assertEqual(self.listed("./vendor/../vendor//x.yaml", "a/y.yaml"), ["a/y.yaml"])
        self.assertEqual(self.listed("x.yaml", ".", cwd="vendor", code=0), [])

    def test_no_gitignore(self):
        self.write(".gitignore", "/vendor/\n")
        self.assertNotIn("vendor/x.yaml", self.listed("."))
        self.write(".istio-fix.yaml", "no-gitignore: true\n")
        self.assertIn("vendor/x.yaml", self.listed("."))


class Strangers(Case):
    """A settings file that comes with a pull request."""

    def setUp(self):
        super().setUp()
        self.write("repo/x.yaml", DEPLOYMENT)
        self.write("outside/secret.yaml", "password: hunter2\n")
        self.write("repo/rules/no-shop.yaml", RULE)
        os.mkdir(os.path.join(self.dir, "repo", ".git"))

    def rules_of(self, rules):
        self.write("repo/.istio-fix.yaml", "rules: %s\n" % rules)
        return self.run_tool("-s", "no-shop", "x.yaml", cwd="repo")

    def test_rules_below_its_directory(self):
        for path in ("rules", "./rules/", "rules/no-shop.yaml", "[rules/../rules]"):
            p = self.rules_of(path)
            self.assertIn("[no-shop]", p.stdout, path + p.stderr)
        self.assertIn("[no-shop]", self.run_tool("repo/x.yaml").stdout)  # from the directory of the file

    def test_rules_elsewhere(self):
        os.symlink("../outside", os.path.join(self.dir, "repo", "link"))
        os.mkdir(os.path.join(self.dir, "repo", "dir"))
        os.symlink("../../outside/secret.yaml", os.path.join(self.dir, "repo", "dir", "r.yaml"))
        for path in ("../outside", os.path.join(self.dir, "outside"), "link", "link/secret.yaml", "rules/../../outside",
                     "dir", "dir/r.yaml", "/dev/stdin" if os.path.exists("/dev/stdin") else "/"):
            p = self.rules_of(path)
            self.assertEqual(p.returncode, 2, path)
            self.assertNotIn("password", p.stderr + p.stdout)
            self.assertRegex(p.stderr, r"^\.istio-fix\.yaml:1:8: error: .* \[config\]\n")
        self.write("trusted.yaml", "rules: ../outside\n")  # who names it trusts it; and it is no rule
        p = self.run_tool("--config", "../trusted.yaml", "x.yaml", cwd="repo", code=2)

    def test_a_named_config_may_name_rules_anywhere(self):
        self.write("outside/no-shop.yaml", RULE)
        os.remove(os.path.join(self.dir, "outside/secret.yaml"))
        self.write("conf/trusted.yaml", "rules: ../outside\n")
        p = self.run_tool("--config", "../conf/trusted.yaml", "x.yaml", cwd="repo")
        self.assertIn("[no-shop]", p.stdout, p.stderr)

    def test_a_symbolic_link(self):
        os.symlink("../outside/secret.yaml", os.path.join(self.dir, "repo", ".istio-fix.yaml"))
        p = self.fails("x.yaml", cwd="repo", says=".istio-fix.yaml: error: a symbolic link could lead anywhere; "
                       "put the file there, or use --config [config]")
        self.assertNotIn("password", p.stderr)
        p = self.run_tool("--config", ".istio-fix.yaml", "x.yaml", cwd="repo", code=2)
        self.assertIn("password", p.stderr)

    def test_a_pipe_does_not_block(self):
        os.mkfifo(os.path.join(self.dir, "repo", ".istio-fix.yaml"))
        self.fails("x.yaml", cwd="repo", says=".istio-fix.yaml: error: not a regular file [config]")

    def test_it_cannot_make_us_write(self):
        for key in ("in-place", "fix", "check", "diff", "config", "stdin-filename", "format", "exit-zero", "color"):
            self.write("repo/.istio-fix.yaml", "%s: true\n" % key)
            self.fails("x.yaml", cwd="repo", says=".istio-fix.yaml:1:1: error: '%s' is an option of the "
                       "command line only [config]" % key)
        self.assertEqual(self.read("repo/x.yaml"), DEPLOYMENT)

    def test_names_that_steer_a_terminal(self):
        self.write("repo/.istio-fix.yaml", '"\\e[31mred\\nline": 1\n')
        self.fails("x.yaml", cwd="repo", says=".istio-fix.yaml:1:1: error: there is no setting "
                   "'\\x1b[31mred\\nline'; see 'istio-fix --help' [config]")


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("there is no tool; skipped: %s" % TOOL)
        sys.exit(77)
    unittest.main()
