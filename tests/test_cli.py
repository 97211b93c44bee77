#!/usr/bin/env python3
"""The command line: what the tool promises about its options, its files, its output and its exit codes.

    test_cli.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import json
import os
import pty
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")
AS_ROOT = os.geteuid() == 0
NOBODY = 65534

# One finding of each kind that matters here.
MOVE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations:
    sidecar.istio.io/rewriteAppHTTPProbers: "false"  # why
spec:
  template:
    metadata:
      labels:
        app: shop
"""
MOVED = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  template:
    metadata:
      labels:
        app: shop
      annotations:
        sidecar.istio.io/rewriteAppHTTPProbers: "false"  # why
"""
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
REPORT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  annotations:
    sidecar.istio.io/rewriteAppHTTPProbers: "false"
"""
SERVICE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
spec:
  http:
  - timeout: %s
    route:
    - destination:
        host: shop
"""
INFO = SERVICE % "1m30s"  # info, safe
INFO_FIXED = SERVICE % "90s"
ERROR = SERVICE % '"5"'  # error, repair
CLEAN = SERVICE % "5s"
TEMPLATE = "kind: Deployment\nmetadata:\n  name: {{ if .Values.name }}\n  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: 'false'\n"
BROKEN = "metadata:\n  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: 'false'\n  x: [\n"

# path:line:col: error: what [rule], or path: error: what [rule]
LINE = re.compile(r"^[^\n]+?(:[1-9][0-9]*:[1-9][0-9]*)?: (error|warning|info): .+ \[[a-z-]+( IST[0-9]{4})?\]$")
USAGE = re.compile(r"^istio-fix: error: [^\n]+\n$")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="istio-fix-cli.")
        os.chmod(self.dir, 0o755)
        self.addCleanup(shutil.rmtree, self.dir, True)

    def path(self, name):
        return os.path.join(os.fsencode(self.dir), os.fsencode(name))

    def write(self, name, data, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        os.chmod(path, mode)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as f:
            data = f.read()
        return data.decode() if data.isascii() else data

    def terminal(self):
        try:
            return pty.openpty()
        except OSError as e:
            self.skipTest("no terminals here: %s" % e)

    def run_tool(self, *args, code=0, stdin=None, nobody=False, raw=False, **kw):
        """Run it; check the exit code; (stdout, stderr)."""
        tool, argv = TOOL, [os.fsencode(a) for a in args]
        if nobody:
            tool = self.readable_tool()
            kw["preexec_fn"] = become_nobody
        env = dict(os.environ, LC_ALL="C", **kw.pop("env", {}))
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        if stdin is None:
            kw.setdefault("stdin", subprocess.DEVNULL)
        else:
            kw["input"] = stdin.encode() if isinstance(stdin, str) else stdin
        kw.setdefault("cwd", self.dir)
        r = subprocess.run([tool] + argv, env=env, timeout=60, **kw)
        out, err = r.stdout or b"", r.stderr or b""
        self.assertEqual(r.returncode, code, "%r: %r %r" % (args, out[:2000], err[:2000]))
        return (out, err) if raw else (out.decode(), err.decode())

    def readable_tool(self):
        path = self.path("istio-fix.program")
        if not os.path.exists(path):
            shutil.copy(TOOL, path)
            os.chmod(path, 0o755)
        return path

    def usage(self, *args, says=None, **kw):
        """It is a usage error: 2, one clear line, nothing on standard output."""
        out, err = self.run_tool(*args, code=2, **kw)
        self.assertEqual(out, "")
        self.assertRegex(err, USAGE)
        if says:
            self.assertIn(says, err)
        return err

    def lines(self, text, n):
        """There are exactly n lines, each of the one shape. The summary is not passed in."""
        lines = text.splitlines()
        self.assertEqual(len(lines), n, text)
        for line in lines:
            self.assertRegex(line, LINE)
        return lines

    def failure(self, *args, name, rule, says="", at=None, **kw):
        """Exit 2 and one line, which names file, place and rule."""
        out, err = self.run_tool(*args, "-q", code=2, **kw)
        line, = self.lines(err, 1)
        place = r":\d+:\d+" if at is None and rule not in ("read", "write") else ":" + at if at else ""
        self.assertRegex(line, "^" + re.escape(name) + place + ": error: ")
        self.assertTrue(line.endswith(" [%s]" % rule), line)
        self.assertIn(says, line)
        return out


def become_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


need_root = unittest.skipUnless(AS_ROOT, "only root can become somebody else")


class Modes(Case):
    def test_report_writes_nothing(self):
        self.write("a.yaml", MOVE)
        before = os.stat(self.path("a.yaml"))
        out, err = self.run_tool("a.yaml", code=1)
        line, = self.lines(out, 1)
        self.assertTrue(line.startswith("a.yaml:6:5: warning: "), line)
        self.assertTrue(line.endswith("[misplaced-annotation IST0107]"), line)
        self.assertEqual(err, "would fix 1 finding in 1 file\n")
        self.assertEqual(self.read("a.yaml"), MOVE)
        after = os.stat(self.path("a.yaml"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_report_of_nothing(self):
        self.write("a.yaml", CLEAN)
        self.assertEqual(self.run_tool("a.yaml"), ("", "no findings in 1 file\n"))

    def test_in_place_and_its_names(self):
        for option in "-i", "--in-place", "--fix":
            self.write("a.yaml", MOVE)
            self.assertEqual(self.run_tool(option, "a.yaml"), ("", "fixed 1 finding in 1 file\n"))
            self.assertEqual(self.read("a.yaml"), MOVED)

    def test_in_place_again_changes_nothing(self):
        self.write("a.yaml", MOVE)
        self.run_tool("-i", "a.yaml")
        before = os.stat(self.path("a.yaml"))
        self.assertEqual(self.run_tool("-i", "a.yaml"), ("", "no findings in 1 file\n"))
        after = os.stat(self.path("a.yaml"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_in_place_says_what_is_left_where_it_is_now(self):
        self.write("a.yaml", MOVE + "---\n" + REPORT)
        out, err = self.run_tool("-i", "a.yaml", code=1)
        line, = self.lines(out, 1)
        # the move took one line away: `annotations:`
        self.assertTrue(line.startswith("a.yaml:%d:5: " % (MOVED.count("\n") + 7)), line)
        self.assertIn("fixed 1 of 2 findings", err)

    def test_check(self):
        for option in "-c", "--check":
            self.write("a.yaml", MOVE)
            self.write("b.yaml", CLEAN)
            out, err = self.run_tool(option, ".", code=1)
            self.assertEqual(out, "would fix a.yaml (1 of 1 finding)\n")
            self.assertEqual(err, "would fix 1 finding in 1 of 2 files\n")
            self.assertEqual(self.read("a.yaml"), MOVE)
            self.assertEqual(self.run_tool(option, "b.yaml")[0], "")

    def test_check_fails_for_fixable_info_too(self):
        self.write("a.yaml", INFO)
        self.run_tool("a.yaml")
        for option in "-c", "-d", "-l":
            self.run_tool(option, "a.yaml", code=1)

    def test_list(self):
        self.write("b.yaml", MOVE)
        self.write("a.yaml", MOVE)
        self.write("c.yaml", CLEAN)
        self.write("d.yaml", REPORT)
        for option in "-l", "--list":
            self.assertEqual(self.run_tool(option, ".", code=1), ("a.yaml\nb.yaml\n", ""))
        self.assertEqual(self.run_tool("-l", "c.yaml"), ("", ""))

    def test_diff(self):
        self.write("a.yaml", MOVE + "---\n" + REPORT)
        for option in "-d", "--diff":
            out, err = self.run_tool(option, "-q", "a.yaml", code=1)
            self.assertTrue(out.startswith("diff --git a/a.yaml b/a.yaml\n--- a/a.yaml\n+++ b/a.yaml\n@@ "), out)
            self.assertIn('+        sidecar.istio.io/rewriteAppHTTPProbers: "false"  # why\n', out)
            line, = self.lines(err, 1)  # what the diff does not show
            self.assertIn("no pod template", line)
        self.write("b.yaml", CLEAN)
        self.assertEqual(self.run_tool("-d", "-q", "b.yaml"), ("", ""))

    def test_modes_exclude_each_other(self):
        self.write("a.yaml", MOVE)
        for pair in ("-i", "-c"), ("-c", "-d"), ("-d", "-l"), ("-l", "--fix"):
            self.usage(*pair, "a.yaml", says="exclude each other")
        self.assertEqual(self.read("a.yaml"), MOVE)
        self.run_tool("-c", "--check", "a.yaml", code=1)

    def test_in_place_wants_a_path(self):
        self.usage("-i", says="--in-place wants a path")
        self.usage("-i", stdin=MOVE, says="--in-place wants a path")
        self.usage("-i", "-", stdin=MOVE, says="standard input")
        self.usage("-i", "-f", "json", "-", stdin=MOVE, says="standard input")

    def test_stdin_stands_alone(self):
        self.write("a.yaml", MOVE)
        self.usage("a.yaml", "-", "-q", stdin=MOVE, says="'-'")

    def test_quiet_and_verbose(self):
        self.write("a.yaml", MOVE)
        out, err = self.run_tool("-q", "a.yaml", code=1)
        self.lines(out, 1)
        self.assertEqual(err, "")
        out, _ = self.run_tool("-i", "-v", "a.yaml")
        line, = self.lines(out, 1)
        self.assertIn("(fixed)", line)

    def test_long_names_of_letters(self):
        self.write("a.yaml", MOVE)
        for args in ("--quiet", "--verbose", "--select", "ALL", "--ignore", "duration", "--format", "text"), \
                ("-qvsALL", "-xduration", "-ftext"), ("-q", "-v", "--select=ALL", "--ignore=duration"):
            self.lines(self.run_tool("a.yaml", *args, code=1)[0], 1)


class Filter(Case):
    def test_dash(self):
        self.assertEqual(self.run_tool("-", stdin=MOVE), (MOVED, ""))
        self.assertEqual(self.run_tool("-", stdin=CLEAN), (CLEAN, ""))

    def test_no_arguments(self):
        self.assertEqual(self.run_tool(stdin=MOVE), (MOVED, ""))

    def test_empty_input(self):
        self.assertEqual(self.run_tool(stdin=""), ("", ""))
        self.assertEqual(self.run_tool("-", stdin=""), ("", ""))
        self.assertEqual(self.run_tool(), ("", ""))

    def test_bytes_that_are_no_manifest_pass(self):
        for data in b"\n", b"# only a comment", b"---\n", b"plain\r\n", b"\xef\xbb\xbfa: 1\r\n":
            self.assertEqual(self.run_tool("-", stdin=data, raw=True), (data, b""))

    def test_findings_left_do_not_break_a_pipeline(self):
        out, err = self.run_tool("-", stdin=REPORT)
        self.assertEqual(out, REPORT)
        self.lines(err, 1)
        self.run_tool("-", "--fail-on", "warning", stdin=REPORT, code=1)
        self.run_tool("-", "--fail-on", "error", stdin=REPORT)
        self.run_tool("-", "--fail-on", "info", stdin=MOVE)

    def test_exit_non_zero_on_fix(self):
        self.assertEqual(self.run_tool("-", "--exit-non-zero-on-fix", stdin=MOVE, code=1)[0], MOVED)
        self.run_tool("-", "--exit-non-zero-on-fix", stdin=REPORT)

    def test_an_error_leaves_standard_output_empty(self):
        for data, rule in (BROKEN, "yaml"), (TEMPLATE, "template"):
            self.assertEqual(self.failure("-", stdin=data, name="<stdin>", rule=rule), "")
        out, err = self.run_tool("-", stdin=MOVE + "---\n" + BROKEN, code=2)
        self.assertEqual(out, "")
        self.assertIn("not fixed: ", self.lines(err, 2)[1])

    def test_stdin_filename(self):
        _, err = self.run_tool("-", "--stdin-filename", "x/y.yaml", stdin=REPORT)
        self.assertTrue(err.startswith("x/y.yaml:6:5: warning: "), err)
        self.failure("-", "--stdin-filename=z.yaml", stdin=BROKEN, name="z.yaml", rule="yaml")

    def test_other_modes_read_it_too(self):
        self.assertEqual(self.run_tool("-l", "-", "--stdin-filename=a.yaml", stdin=MOVE, code=1), ("a.yaml\n", ""))
        self.assertEqual(self.run_tool("-q", "-c", stdin=MOVE, code=1)[0], "would fix <stdin> (1 of 1 finding)\n")
        self.assertIn("\n+++ b/a.yaml\n", self.run_tool("-d", "-", "--stdin-filename=a.yaml", stdin=MOVE, code=1)[0])
        self.assertEqual(json.loads(self.run_tool("-f", "json", "-", stdin=MOVE, code=1)[0])["summary"]["files"], 1)

    def test_a_terminal_gets_help(self):
        main, tty = self.terminal()
        r = subprocess.run([TOOL], stdin=tty, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        os.close(main)
        os.close(tty)
        self.assertEqual((r.returncode, r.stderr), (2, b""))
        self.assertIn(b"istio-fix [OPTIONS] PATH...", r.stdout)

    def test_closed_stdin(self):
        r = subprocess.run([TOOL, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                           preexec_fn=lambda: os.close(0))
        self.assertEqual((r.returncode, r.stdout), (2, b""))
        self.lines(r.stderr.decode(), 1)

    def test_large_input_through_pipes(self):
        data = (MOVE + "---\n") * 2000
        self.assertEqual(self.run_tool("-", stdin=data)[0], (MOVED + "---\n") * 2000)


class Levels(Case):
    def test_level(self):
        self.write("a.yaml", "---\n".join([MOVE, INFO, ASK]))
        for level, n in ("safe", 1), ("repair", 2), ("all", 3):
            out, err = self.run_tool("--level", level, "a.yaml", "-c", code=1)
            self.assertEqual(out, "would fix a.yaml (%d of 3 findings)\n" % n)
        self.assertEqual(self.run_tool("a.yaml", "-qc", code=1)[0], "would fix a.yaml (2 of 3 findings)\n")
        self.usage("--level", "reckless", "a.yaml", says="safe, repair or all")
        self.usage("--level", "", "a.yaml")

    def test_choose(self):
        self.write("a.yaml", ASK)
        self.assertEqual(self.run_tool("-qc", "a.yaml", code=1)[0], "")
        for answer, value in ("template", "true"), ("outer", "false"):
            self.write("a.yaml", ASK)
            self.run_tool("-iq", "--choose", "misplaced-annotation=" + answer, "a.yaml")
            self.assertEqual(re.findall(r'rewriteAppHTTPProbers: "(.*)"', self.read("a.yaml")), [value])

    def test_choose_lists_and_repeats(self):
        self.write("a.yaml", ASK)
        pick = "injection-conflict=revision,misplaced-annotation=outer"
        self.run_tool("-c", "--choose", pick, "a.yaml", code=1)
        self.run_tool("-c", "--choose", "injection-conflict=revision", "--choose=misplaced-annotation=outer",
                      "a.yaml", code=1)
        self.run_tool("-iq", "--choose", "misplaced-annotation=template", "--choose", "misplaced-annotation=outer",
                      "a.yaml")
        self.assertIn('"false"', self.read("a.yaml"))  # the last word counts

    def test_choose_wrongly(self):
        self.write("a.yaml", ASK)
        for value, says in (("nope=x", "no rule is called 'nope'"), ("misplaced-annotation=x", "no answer"),
                            ("duration=x", "asks nothing"), ("misplaced-annotation", "RULE=ANSWER"),
                            ("misplaced-annotation=", "RULE=ANSWER"), ("=template", "RULE=ANSWER"),
                            ("", "RULE=ANSWER"), ("misplaced-annotation=outer,x", "RULE=ANSWER")):
            self.usage("-i", "--choose", value, "a.yaml", says=says)
        self.assertEqual(self.read("a.yaml"), ASK)


class Rules(Case):
    def setUp(self):
        super().setUp()
        self.write("a.yaml", "---\n".join([MOVE, INFO]))

    def found(self, *args):
        out = self.run_tool("-q", "--exit-zero", "a.yaml", *args)[0]
        return [re.search(r"\[([a-z-]+)", line).group(1) for line in out.splitlines()]

    def test_select(self):
        both = ["misplaced-annotation", "duration"]
        self.assertEqual(self.found(), both)
        for args, want in ((["-s", "duration"], both[1:]), (["--select", "mis"], both[:1]),
                           (["-s", "mis,dur"], both), (["-s", "mis", "-s", "dur"], both), (["-s", "ALL"], both),
                           (["-s", "IST0107"], both[:1]), (["-s", "IST"], both[:1]), (["-s", " duration , "], both[1:]),
                           (["-x", "duration"], both[:1]), (["--ignore", "IST0107"], both[1:]), (["-x", "ALL"], []),
                           (["-s", "ALL", "-x", "mis,dur"], []), (["-s", "mis", "-x", "dur"], both[:1])):
            self.assertEqual(self.found(*args), want, args)

    def test_unknown_names(self):
        for option, long in ("-s", "select"), ("-x", "ignore"):
            for name in "nope", "Duration", "IST9999", "all":
                self.usage(option, name, "a.yaml", says="--%s: no rule is called '%s'" % (long, name))
            self.usage(option, "", "a.yaml", says="empty")
            self.usage(option, ",", "a.yaml", says="empty")

    def test_list_and_explain(self):
        out, err = self.run_tool("rules")
        self.assertEqual(err, "")
        self.assertRegex(out, r"(?m)^misplaced-annotation +IST0107 +repair +\S")
        self.assertRegex(out, r"(?m)^duration +- +safe +\S")
        for rule in (line.split()[0] for line in out.splitlines()):
            page = self.run_tool("rules", rule)[0]
            self.assertIn(rule, page)
            self.assertGreater(len(page.splitlines()), 3)
        page = self.run_tool("rules", "misplaced-annotation", "duration")[0]
        self.assertIn("--choose misplaced-annotation=template", page)
        self.assertIn("# duration", page)

    def test_explain_unknown(self):
        self.usage("rules", "nope", says="no rule is called 'nope'")
        out, err = self.run_tool("rules", "nope", "duration", code=2)
        self.assertIn("duration", out)

    def test_a_file_that_is_called_rules(self):
        self.write("rules", MOVE)
        self.assertIn("misplaced-annotation ", self.run_tool("rules")[0])
        for args in ["./rules"], ["--", "rules"], ["-c", "rules"]:
            self.run_tool(*args, code=1)


class UserRules(Case):
    RULE = "id: %s\nsummary: no pets\nsource: https://example.com/\nlevel: safe\nseverity: warning\n" \
           "match: {message: ProxyConfig}\ncases:\n- when: {has: [%s]}\n  message: \"'{key}' is a pet\"\n" \
           "  do: [{remove: %s}]\n"
    POD = 'kind: Pod\napiVersion: v1\nmetadata:\n  name: a\n  annotations:\n    proxy.istio.io/config: |\n' \
          "      concurrency: 2\n      %s: 1\n"

    def setUp(self):
        super().setUp()
        self.write("r/no-cat.yaml", self.RULE % ("no-cat", "cat", "cat"))

    def test_a_file(self):
        self.write("a.yaml", self.POD % "cat")
        self.assertEqual(self.run_tool("-x", "proxyconfig-unknown-field", "a.yaml")[0], "")
        line, = self.lines(self.run_tool("-x", "proxyconfig-unknown-field", "--rules", "r/no-cat.yaml", "a.yaml", code=1)[0], 1)
        self.assertIn("'cat' is a pet", line)
        self.assertTrue(line.endswith("[no-cat]"))
        self.run_tool("-iq", "--rules=r/no-cat.yaml", "-s", "no-cat", "a.yaml")
        self.assertNotIn("cat", self.read("a.yaml"))

    def test_a_directory(self):
        self.write("r/no-dog.yml", self.RULE % ("no-dog", "dog", "dog"))
        self.write("r/README.md", "not a rule")
        self.write("r/.hidden.yaml", "not a rule")
        self.write("a.yaml", "---\n".join([self.POD % "cat", self.POD % "dog"]))
        out, err = self.run_tool("-x", "proxyconfig-unknown-field", "--rules", "r", "a.yaml", code=1)
        self.lines(out, 2)
        self.assertIn("no-dog", self.run_tool("rules", "--rules", "r")[0])
        self.assertIn("no pets", self.run_tool("rules", "no-dog", "--rules", "r")[0])

    def test_bad_rules(self):
        self.write("a.yaml", MOVE)
        self.write("bad.yaml", self.RULE % ("no-cat", "cat", "cat") + "surprise: 1\n")
        out, err = self.run_tool("-i", "--rules", "bad.yaml", "a.yaml", code=2)
        self.assertRegex(err, r"^bad\.yaml:11:1: error: [^\n]+\n$")
        self.assertEqual(self.read("a.yaml"), MOVE)
        self.write("r/bad.yaml", "id: [\n")
        _, err = self.run_tool("--rules", "r", "a.yaml", code=2)
        self.assertRegex(err, r"^r/bad\.yaml:\d+:\d+: error: [^\n]+\n$")

    def test_no_rules(self):
        self.write("a.yaml", MOVE)
        os.mkdir(self.path("empty"))
        for path in "nope", "empty", "nope/x.yaml":
            _, err = self.run_tool("--rules", path, "a.yaml", code=2)
            self.lines(err, 1)
            self.assertTrue(err.startswith(path + ": error: "), err)

    def test_the_same_id_twice(self):
        self.write("a.yaml", MOVE)
        self.write("again.yaml", self.RULE % ("no-cat", "dog", "dog"))
        _, err = self.run_tool("--rules", "r", "--rules", "again.yaml", "a.yaml", code=2)
        self.assertRegex(err, r"^again\.yaml:\d+:\d+: error: .*'no-cat'[^\n]*\n$")

    def test_replacing_a_built_in_rule(self):
        self.write("mine.yaml", self.RULE % ("proxyconfig-removed-field", "cat", "cat"))
        self.write("a.yaml", "---\n".join([self.POD % "cat", self.POD % "connectTimeout"]))
        out, err = self.run_tool("-x", "proxyconfig-unknown-field", "--rules", "mine.yaml", "a.yaml", code=1)
        line, = self.lines(out, 1)
        self.assertIn("'cat'", line)
        self.assertTrue(err.startswith("istio-fix: note: mine.yaml: replaces the built-in rule "
                                       "'proxyconfig-removed-field'\n"), err)
        self.assertEqual(self.run_tool("-q", "--rules", "mine.yaml", "a.yaml", code=1)[1], "")
        self.assertIn("no pets", self.run_tool("rules", "--rules=mine.yaml", "proxyconfig-removed-field")[0])
        self.assertEqual(self.run_tool("-", "--rules", "mine.yaml", stdin=CLEAN), (CLEAN, ""))


class Json(Case):
    def report(self, *args, **kw):
        return json.loads(self.run_tool("-f", "json", *args, **kw)[0])

    def test_shape(self):
        self.write("a.yaml", MOVE)
        self.write("b.yaml", CLEAN)
        out, err = self.run_tool("--format=json", "a.yaml", "b.yaml", code=1)
        self.assertEqual(err, "")
        self.assertTrue(out.endswith("}\n"))
        report = json.loads(out)
        self.assertEqual(sorted(report), ["results", "summary", "version"])
        self.assertEqual(report["version"], self.run_tool("-V")[0].split()[1])
        result, = report["results"]
        want = {"rule": "misplaced-annotation", "ist": "IST0107", "level": "repair", "severity": "warning",
                "path": "a.yaml", "line": 6, "column": 5, "document": 1, "kind": "Deployment", "name": "shop"}
        self.assertEqual({k: result[k] for k in want}, want)
        self.assertIsNone(result["namespace"])
        self.assertTrue(result["message"])
        self.assertFalse(result["fix"]["applied"])
        text = MOVE.encode()
        for e in sorted(result["fix"]["edits"], key=lambda e: -e["offset"]):
            text = text[:e["offset"]] + e["text"].encode() + text[e["offset"] + e["length"]:]
        self.assertEqual(text.decode(), MOVED)
        self.assertEqual(result["fix"]["operations"][0]["verb"], "move")
        self.assertEqual({k: report["summary"][k] for k in ("files", "changed", "failed", "fixed")},
                         {"files": 2, "changed": 1, "failed": 0, "fixed": 1})

    def test_nothing(self):
        self.write("a.yaml", CLEAN)
        self.assertEqual(self.report("a.yaml")["results"], [])
        os.mkdir(self.path("d"))
        self.assertEqual(self.report("d")["summary"]["files"], 0)

    def test_in_place(self):
        self.write("a.yaml", "---\n".join([MOVE, REPORT]))
        report = self.report("-i", "a.yaml", code=1)
        self.assertEqual([r["fix"] and r["fix"]["applied"] for r in report["results"]], [True, None])
        self.assertEqual(self.read("a.yaml"), "---\n".join([MOVED, REPORT]))

    def test_in_place_that_fails(self):
        self.write("a.yaml", MOVE, 0o444)
        out, err = self.run_tool("-f", "json", "-i", "a.yaml", code=2)
        self.lines(err, 1)
        report = json.loads(out)
        self.assertFalse(report["results"][0]["fix"]["applied"])
        self.assertEqual(report["summary"]["changed"], 0)
        self.assertEqual(report["summary"]["failed"], 1)

    def test_problems_are_results(self):
        self.write("a.yaml", BROKEN)
        self.write("b.yaml", TEMPLATE)
        self.write("c.yaml", MOVE)
        out, err = self.run_tool("-f", "json", ".", code=2)
        self.assertEqual(err, "")
        results = json.loads(out)["results"]
        self.assertEqual([(r["path"], r["rule"], r["severity"]) for r in results if r["path"] < "c"],
                         [("a.yaml", "yaml", "error"), ("b.yaml", "template", "warning")])
        self.assertEqual(json.loads(out)["summary"]["left"], {"error": 0, "warning": 0, "info": 0})

    def test_exit_code_does_not_depend_on_the_format(self):
        self.write("t/b.yaml", TEMPLATE)
        self.write("i/b.yaml", INFO)
        self.write("w/b.yaml", REPORT)
        self.write("x/b.yaml", BROKEN)
        for args in ["t"], ["i"], ["w"], ["x"], ["-i", "t"], ["-c", "i"], ["-d", "t"], ["-l", "w"], ["t/b.yaml"]:
            codes = {subprocess.run([TOOL, "-f", f] + args, cwd=self.dir, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL).returncode for f in ("text", "json")}
            self.assertEqual(len(codes), 1, args)

    def test_odd_names_stay_valid(self):
        self.write(b"a\n\"\x1b\xff.yaml", MOVE)
        self.assertEqual(self.report(".", code=1)["results"][0]["path"], "a\n\"\x1b\ufffd.yaml")

    def test_format_is_checked(self):
        self.usage("-f", "xml", ".", says="gitlab or junit")


class ExitCodes(Case):
    def test_fail_on(self):
        for name, text, worst in ("i", INFO, 0), ("w", REPORT, 1), ("e", ERROR, 2), ("c", CLEAN, -1):
            self.write(name + ".yaml", text)
            for i, severity in enumerate(["info", "warning", "error"]):
                self.run_tool("--fail-on", severity, name + ".yaml", code=1 if worst >= i else 0)
            self.run_tool(name + ".yaml", code=1 if worst >= 1 else 0)
        self.usage("--fail-on", "never", "i.yaml", says="error, warning or info")

    def test_exit_zero(self):
        self.write("a.yaml", REPORT)
        for mode in [], ["-i"], ["-c"], ["-d"], ["-l"], ["-f", "json"]:
            self.run_tool("--exit-zero", "a.yaml", *mode)
        self.run_tool("--exit-zero", "nope.yaml", code=2)

    def test_exit_non_zero_on_fix(self):
        self.write("a.yaml", MOVE)
        self.run_tool("-i", "--exit-non-zero-on-fix", "a.yaml", code=1)
        self.assertEqual(self.read("a.yaml"), MOVED)
        self.run_tool("-i", "--exit-non-zero-on-fix", "a.yaml")

    def test_two_wins_and_the_others_are_done(self):
        self.write("a.yaml", BROKEN)
        self.write("b.yaml", MOVE)
        self.write("c.yaml", REPORT)
        out, err = self.run_tool("-i", "nope.yaml", "a.yaml", "b.yaml", "c.yaml", code=2)
        self.assertEqual(self.read("a.yaml"), BROKEN)
        self.assertEqual(self.read("b.yaml"), MOVED)
        self.lines(out, 1)
        self.lines("".join(err.splitlines(True)[:-1]), 2)
        self.assertIn("2 files failed", err.splitlines()[-1])


class CommandLine(Case):
    def test_help_and_version(self):
        for option in "-h", "--help":
            out, err = self.run_tool(option)
            self.assertEqual(err, "")
            self.assertLessEqual(len(out.splitlines()), 60)
            self.assertLessEqual(max(map(len, out.splitlines())), 100)
        for name in ("in-place check diff list level choose select ignore rules format fail-on exit-zero exclude "
                     "exit-non-zero-on-fix force-exclude no-gitignore stdin-filename color quiet verbose").split():
            self.assertIn("--" + name, out)
        for option in "-V", "--version":
            self.assertRegex(self.run_tool(option)[0], r"^istio-fix \d+\.\d+\.\d+\n$")

    def test_unknown_options(self):
        for args, says in ((["--bogus"], "'--bogus'"), (["-z"], "'-z'"), (["-qz"], "'-z'"), (["-zq"], "'-z'"),
                           (["--bogus=1"], "'--bogus'"), (["--=1"], "'--'"), (["---"], "'---'"),
                           (["--in"], "'--in'"), (["--list=1"], "takes no value"), (["--level"], "wants a value"),
                           (["-s"], "wants a value"), (["-qs"], "wants a value"), (["--color", "pink"], "--color")):
            self.usage(*args, says=says)
            self.usage("a.yaml", *args, says=says)

    def test_words_of_other_tools(self):
        self.write("a.yaml", MOVE)
        for args, says in ((["--dry-run"], "--diff shows"), (["--dry-run=client"], "--diff shows"),
                           (["--inplace"], ", only '--in-place'"), (["--output", "json"], "--format chooses"),
                           (["-o", "json"], "--format chooses"), (["-R"], "directories are always walked"),
                           (["-k", "overlays/prod"], "kustomize build"), (["-f", "a.yaml"], "name files without an option"),
                           (["-f", "-"], "name files without an option"), (["ambient", "plan", "--fromat"], ", only '--format'")):
            self.usage(*args, says=says)
        self.assertNotIn("only", self.run_tool("--nonsense", code=2)[1])
        for word, says in ("check", "or --check"), ("fix", "--in-place"), ("rule", "'rules'"), ("diff", "--diff"):
            self.usage(word, "a.yaml", says="there is neither a file nor a command '%s'; " % word)
            self.usage(word, says=says)
        self.assertEqual(self.run_tool("help"), self.run_tool("--help"))
        self.assertEqual(self.run_tool("version"), self.run_tool("--version"))
        # a file of that name is a file, and so is what stands behind `--`
        for word in "check", "help":
            self.assertIn("no such file", self.run_tool("--", word, code=2)[1])
            self.write(word, MOVE)
            self.assertEqual(self.run_tool("-lq", word, code=1)[0], word + "\n")
        self.assertEqual(self.run_tool("rules", "duraton", code=2)[1],
                         "istio-fix: error: no rule is called 'duraton'; did you mean 'duration'?\n")

    def test_nothing_but_a_failure(self):
        for name, shown in ("nowhere", "nowhere"), ("", "''"):
            self.assertEqual(self.run_tool(name, code=2)[1],
                             shown + ": error: no such file or directory [read]\n1 file failed\n")

    def test_options_after_paths(self):
        self.write("a.yaml", MOVE)
        self.write("b.yaml", REPORT)
        out, err = self.run_tool("a.yaml", "-l", "b.yaml", "--level", "repair", "-qs", "ALL", code=1)
        self.assertEqual(out, "a.yaml\n")

    def test_two_dashes(self):
        self.write("-i", MOVE)
        self.write("--help", MOVE)
        self.assertEqual(self.run_tool("-l", "--", "-i", "--help", code=1), ("-i\n--help\n", ""))
        self.write("a.yaml", MOVE)
        self.assertEqual(self.run_tool("a.yaml", "-l", "--", "-i", code=1), ("a.yaml\n-i\n", ""))

    def test_color(self):
        self.write("a.yaml", REPORT)
        plain = self.run_tool("a.yaml", code=1)[0]
        self.assertNotIn("\x1b", plain)
        out = self.run_tool("--color=always", "a.yaml", code=1)[0]
        self.assertEqual(re.sub("\x1b\\[[0-9;]*m", "", out), plain)
        self.assertNotEqual(out, plain)
        self.assertNotIn("\x1b", self.run_tool("--color=always", "-fjson", "a.yaml", code=1)[0])
        self.assertNotIn("\x1b", self.run_tool("--color=always", "--color=never", "a.yaml", code=1)[0])

    def test_color_of_each_stream(self):
        """A terminal gets colour, a file beside it does not."""
        self.write("a.yaml", REPORT)
        for args, stream in ([], "stdout"), (["-d"], "stderr"):
            for env, want in ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False):
                main, tty = self.terminal()
                streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: tty}
                r = subprocess.run([TOOL, "a.yaml"] + args, cwd=self.dir, stdin=subprocess.DEVNULL, timeout=60,
                                   env=dict(os.environ, **dict({"TERM": "xterm"}, **env)), **streams)
                os.close(tty)
                shown = os.read(main, 65536)
                os.close(main)
                self.assertEqual(b"\x1b[" in shown, want, (args, env, shown))
                self.assertNotIn(b"\x1b", (r.stdout or b"") + (r.stderr or b""))

    def test_output_comes_in_order(self):
        for i in range(50):
            self.write("f%02d.yaml" % i, BROKEN if i % 2 else REPORT)
        r = subprocess.run([TOOL, ".", "-q"], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=60)
        names = [line.split(":")[0] for line in r.stdout.decode().splitlines()]
        self.assertEqual(names, ["f%02d.yaml" % i for i in range(50)])


class Walk(Case):
    def listed(self, *args, code=1, **kw):
        return self.run_tool("-l", *args, code=code, **kw)[0].splitlines()

    def test_which_files(self):
        for name in "b.yaml", "a.yml", "c.json", "d.txt", "e", "sub/z.yaml", "sub.d/y.yaml", "B.YAML", "f.yaml.bak":
            self.write(name, MOVE)
        self.assertEqual(self.listed("."), ["a.yml", "b.yaml", "c.json", "sub/z.yaml", "sub.d/y.yaml"])
        self.assertEqual(self.listed("d.txt", "e"), ["d.txt", "e"])  # who names a file means it
        self.assertEqual(self.listed("sub", "b.yaml"), ["sub/z.yaml", "b.yaml"])
        self.assertEqual(self.listed("sub/", "./sub.d"), ["sub/z.yaml", "./sub.d/y.yaml"])
        self.assertEqual(self.listed(self.path("sub")), [self.path("sub/z.yaml").decode()])

    def test_links_are_not_followed(self):
        self.write("real/a.yaml", MOVE)
        self.write("tree/b.yaml", MOVE)
        os.symlink("../real/a.yaml", self.path("tree/a.yaml"))
        os.symlink("../real", self.path("tree/dir"))
        os.symlink(".", self.path("tree/loop"))
        os.symlink("nowhere", self.path("tree/dangling.yaml"))
        self.assertEqual(self.listed("tree"), ["tree/b.yaml"])
        self.assertEqual(self.listed("tree/dir"), ["tree/dir/a.yaml"])
        self.run_tool("-iq", "tree")
        self.assertEqual(self.read("real/a.yaml"), MOVE)

    def test_git(self):
        self.write("w/.git/HEAD", "ref: refs/heads/main\n")
        self.write("w/.git/x.yaml", MOVE)
        self.write("w/.gitignore", "out/\n*.gen.yaml\n!keep.gen.yaml\n")
        for name in "a.yaml", "b.gen.yaml", "keep.gen.yaml", "out/c.yaml", "sub/d.gen.yaml":
            self.write("w/" + name, MOVE)
        self.assertEqual(self.listed("w"), ["w/a.yaml", "w/keep.gen.yaml"])
        self.assertEqual(self.listed("--no-gitignore", "w"),
                         ["w/a.yaml", "w/b.gen.yaml", "w/keep.gen.yaml", "w/out/c.yaml", "w/sub/d.gen.yaml"])
        self.assertEqual(self.listed("w/b.gen.yaml"), ["w/b.gen.yaml"])

    def test_exclude(self):
        for name in "a.yaml", "b.yaml", "vendor/c.yaml", "x/vendor/d.yaml":
            self.write(name, MOVE)
        self.assertEqual(self.listed("--exclude", "vendor", "."), ["a.yaml", "b.yaml"])
        self.assertEqual(self.listed("--exclude", "vendor", "--exclude=b.*", "."), ["a.yaml"])
        self.assertEqual(self.listed("--exclude", "/vendor", "."), ["a.yaml", "b.yaml", "x/vendor/d.yaml"])
        self.assertEqual(self.listed("--exclude", "a.yaml", "a.yaml", "b.yaml"), ["a.yaml", "b.yaml"])
        self.assertEqual(self.listed("--exclude", "a.yaml", "--force-exclude", "a.yaml", "b.yaml"), ["b.yaml"])
        self.assertEqual(self.listed("--force-exclude", "--exclude", "*.yaml", "a.yaml", code=0), [])

    def test_each_file_once(self):
        self.write("a.yaml", MOVE)
        self.write("d/b.yaml", MOVE)
        os.link(self.path("a.yaml"), self.path("z.yaml"))
        os.symlink("a.yaml", self.path("link.yaml"))
        self.assertEqual(self.listed(".", "a.yaml", "a.yaml", "link.yaml", "d", "d/b.yaml"), ["a.yaml", "d/b.yaml"])
        self.assertEqual(self.listed("link.yaml", "link.yaml"), ["link.yaml"])

    def test_no_manifests(self):
        os.mkdir(self.path("d"))
        self.write("e/readme.txt", MOVE)
        for args in ["d"], ["e"], ["-i", "d"], ["-c", "d"], ["-d", "e"]:
            self.assertEqual(self.run_tool(*args), ("", "no findings in 0 files\n"))

    def test_nothing_there(self):
        self.failure("nope.yaml", name="nope.yaml", rule="read", says="no such file or directory")
        self.failure("nope/", name="nope/", rule="read")
        os.symlink("nowhere", self.path("dangling"))
        self.failure("dangling", name="dangling", rule="read")
        self.write("a.yaml", MOVE)
        self.failure("a.yaml/b.yaml", name="a.yaml/b.yaml", rule="read", says="not a directory")

    @need_root
    def test_unreadable(self):
        self.write("d/a.yaml", MOVE, 0)
        self.write("d/b.yaml", REPORT)
        self.write("d/sub/c.yaml", MOVE)
        os.chmod(self.path("d/sub"), 0)
        out, err = self.run_tool("-q", "d", code=2, nobody=True)
        self.assertTrue(out.startswith("d/b.yaml:"), out)
        self.assertEqual([line.split(": ")[:2] for line in self.lines(err, 2)],
                         [["d/sub", "error"], ["d/a.yaml", "error"]])
        os.chmod(self.path("d/sub"), 0o755)

    def test_a_large_tree(self):
        for i in range(300):
            self.write("d%d/f%d.yaml" % (i % 7, i), MOVE)
        self.run_tool("-iq", ".")
        self.assertEqual(self.run_tool("-l", "."), ("", ""))


class Writing(Case):
    def test_mode_and_owner(self):
        self.write("a.yaml", MOVE, 0o640)
        if AS_ROOT:
            os.chown(self.path("a.yaml"), 1234, 4321)
        before = os.stat(self.path("a.yaml"))
        self.run_tool("-iq", "a.yaml")
        after = os.stat(self.path("a.yaml"))
        self.assertEqual([getattr(before, k) for k in ("st_mode", "st_uid", "st_gid")],
                         [getattr(after, k) for k in ("st_mode", "st_uid", "st_gid")])
        self.assertEqual(os.listdir(self.dir), ["a.yaml"])

    def test_a_link_stays_and_its_target_is_written(self):
        self.write("d/real.yaml", MOVE)
        os.mkdir(self.path("links"))
        os.symlink("../d/real.yaml", self.path("links/one"))
        os.symlink("one", self.path("links/two"))
        self.run_tool("-iq", "links/two")
        self.assertEqual(os.readlink(self.path("links/two")), b"one")
        self.assertEqual(os.readlink(self.path("links/one")), b"../d/real.yaml")
        self.assertEqual(self.read("d/real.yaml"), MOVED)
        self.assertFalse(os.path.islink(self.path("d/real.yaml")))
        self.assertEqual(sorted(os.listdir(self.path("links"))), [b"one", b"two"])

    def test_hard_links_are_left(self):
        self.write("a.yaml", MOVE)
        os.link(self.path("a.yaml"), self.path("b.yaml"))
        self.failure("-i", "a.yaml", name="a.yaml", rule="write", says="hard links")
        self.assertEqual(self.read("b.yaml"), MOVE)

    def test_read_only(self):
        self.write("a.yaml", MOVE, 0o444)
        self.write("b.yaml", MOVE)
        out = self.failure("-i", "a.yaml", "b.yaml", name="a.yaml", rule="write", says="read-only")
        line, = self.lines(out, 1)  # it is left
        self.assertTrue(line.startswith("a.yaml:6:5: warning: "), line)
        self.assertEqual(self.read("a.yaml"), MOVE)
        self.assertEqual(self.read("b.yaml"), MOVED)

    @need_root
    def test_directory_of_somebody_else(self):
        self.write("d/a.yaml", MOVE, 0o666)
        os.chmod(self.path("d"), 0o755)
        self.failure("-i", "d/a.yaml", name="d/a.yaml", rule="write", nobody=True)
        self.assertEqual(self.read("d/a.yaml"), MOVE)
        self.assertEqual(os.listdir(self.path("d")), [b"a.yaml"])

    @need_root
    def test_file_of_somebody_else(self):
        self.write("d/a.yaml", MOVE, 0o644)
        os.chmod(self.path("d"), 0o777)
        self.failure("-i", "d/a.yaml", name="d/a.yaml", rule="write", nobody=True)
        self.assertEqual(self.read("d/a.yaml"), MOVE)
        self.assertEqual(os.stat(self.path("d/a.yaml")).st_uid, 0)

    def test_file_size_limit(self):
        self.write("a.yaml", MOVE)

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
        self.failure("-i", "a.yaml", name="a.yaml", rule="write", preexec_fn=limit)
        self.assertEqual(self.read("a.yaml"), MOVE)
        self.assertEqual(os.listdir(self.dir), ["a.yaml"])

    @need_root
    def test_full_disk(self):
        disk = self.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk],
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("cannot mount")
        try:
            self.write("disk/a.yaml", MOVE)
            with open(os.path.join(disk, b"ballast"), "wb", buffering=0) as f:
                try:
                    while f.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            self.failure("-i", "disk/a.yaml", name="disk/a.yaml", rule="write", says="no space left")
            self.assertEqual(self.read("disk/a.yaml"), MOVE)
            self.assertEqual(sorted(os.listdir(disk)), [b"a.yaml", b"ballast"])
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_full_output(self):
        self.write("a.yaml", MOVE)
        self.write("b.yaml", MOVE)
        for args in ["a.yaml"], ["-d", "a.yaml"], ["-fjson", "a.yaml"], ["-h"], ["-V"], ["rules"], ["-"]:
            with open("/dev/full", "wb") as full:
                _, err = self.run_tool(*args, "-q", code=2, stdout=full, **{"stdin": MOVE} if args == ["-"] else {})
            self.assertTrue(err.endswith("istio-fix: error: cannot write to standard output: "
                                         "No space left on device\n"), err)
            self.assertEqual(err.count("error:"), 1, err)
        with open("/dev/full", "wb") as full:
            self.run_tool("-iv", "a.yaml", "b.yaml", code=2, stdout=full)
        self.assertEqual(self.read("b.yaml"), MOVED)  # the work is done all the same

    def test_full_standard_error(self):
        self.write("a.yaml", BROKEN)
        with open("/dev/full", "wb") as full:
            self.run_tool("a.yaml", code=2, stderr=full)

    def test_closed_streams(self):
        self.write("a.yaml", MOVE)
        self.write("b.yaml", REPORT)

        def run(args, *closed):
            def close():
                for fd in closed:
                    os.close(fd)
            return subprocess.run([TOOL] + args, cwd=self.dir, stdout=subprocess.DEVNULL, timeout=60,
                                  stderr=subprocess.DEVNULL, preexec_fn=close).returncode
        self.assertEqual(run(["-q", "b.yaml"], 1), 2)
        self.assertEqual(run(["-q", "b.yaml"], 0, 1), 2)
        self.assertEqual(run(["b.yaml"], 0, 2), 1)
        self.assertEqual(run(["-i", "a.yaml"], 0, 1, 2), 0)
        self.assertEqual(self.read("a.yaml"), MOVED)
        self.assertEqual(self.read("b.yaml"), REPORT)

    def test_a_reader_that_goes_away(self):
        for i in range(20):
            self.write("f%d.yaml" % i, REPORT + ("---\n" + REPORT) * 200)
        p = subprocess.Popen([TOOL, "."], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
        p.stdout.read(10)
        p.stdout.close()
        self.assertEqual(p.wait(60), -signal.SIGPIPE)


class Input(Case):
    def test_broken_yaml(self):
        self.write("a.yaml", BROKEN)
        self.write("b.yaml", MOVE)
        self.failure("-i", "a.yaml", "b.yaml", name="a.yaml", rule="yaml", at="5:1")
        self.assertEqual(self.read("a.yaml"), BROKEN)
        self.assertEqual(self.read("b.yaml"), MOVED)
        self.failure(".", name="a.yaml", rule="yaml", at="5:1")
        for mode in "-c", "-d", "-l":
            self.failure(mode, "a.yaml", name="a.yaml", rule="yaml", at="5:1")

    def test_one_broken_document_keeps_the_file(self):
        text = MOVE + "---\n" + BROKEN
        self.write("a.yaml", text)
        self.failure("-i", "a.yaml", name="a.yaml", rule="yaml", at="%d:1" % (text.count("\n") + 1))
        self.assertEqual(self.read("a.yaml"), text)

    def test_what_yaml_is_not(self):
        key = "sidecar.istio.io/rewriteAppHTTPProbers: 'false'\n"
        for bad in (b"\0", b"\x01", b"\x1b[2J", b"\x7f", b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbf\xbe"):
            for data in key.encode() + b"a: x" + bad + b"\n", bad + key.encode():
                self.write("a.yaml", data)
                out, err = self.run_tool("-iq", "a.yaml", code=2, raw=True)
                self.assertRegex(err, rb"^a\.yaml:[12]:\d+: error: [ -~]+ \[yaml\]\n$", data)
                self.assertEqual(self.read("a.yaml").encode() if data.isascii() else self.read("a.yaml"), data)

    def test_wide_characters(self):
        for codec in "utf-16", "utf-16-le", "utf-16-be", "utf-32":
            self.write("a.yaml", MOVE.encode(codec))
            out, err = self.run_tool("-iq", "a.yaml", code=2)
            line, = self.lines(err, 1)
            self.assertRegex(line, r"^a.yaml:1:[12]: error: ", codec)

    def test_templates(self):
        self.write("d/a.yaml", TEMPLATE)
        self.write("d/b.yaml", MOVE)
        self.failure("-i", "d/a.yaml", name="d/a.yaml", rule="template", at="3:9")
        self.failure("d", "d/a.yaml", name="d/a.yaml", rule="template", at="3:9")
        out, err = self.run_tool("-iq", "d")
        line, = self.lines(err, 1)
        self.assertTrue(line.startswith("d/a.yaml:3:9: warning: "), line)
        self.assertEqual(self.read("d/a.yaml"), TEMPLATE)
        self.assertEqual(self.read("d/b.yaml"), MOVED)

    def test_a_template_is_fixed(self):
        text = "{{- if .Values.x }}\n%s{{- end }}\n"
        self.write("a.yaml", text % MOVE)
        self.run_tool("-iq", ".")
        self.assertEqual(self.read("a.yaml"), text % MOVED)

    def test_templates_may_be_left_out(self):
        text = "{{- if .Values.x }}\n%s{{- end }}\n" % MOVE
        self.write("a.yaml", text)
        for how in (["--templates=skip"], ["--templates", "report"]):
            out, err = self.run_tool("-iq", *how, "a.yaml", code=int("report" in how))
            self.assertEqual("only reported" in out + err, "report" in how, out + err)
            self.assertEqual(self.read("a.yaml"), text)
        self.write(".istio-fix.yaml", "paths: [{path: a.yaml, templates: skip}]\n")
        self.assertEqual(self.run_tool("-q", "a.yaml"), ("", ""))
        self.assertIn("--templates is fix, report or skip, not 'no'", self.run_tool("--templates=no", "a.yaml", code=2)[1])
        self.write("b.yaml", TEMPLATE)
        self.run_tool("-q", "--templates=skip", "b.yaml")

    def test_a_template_beside_broken_yaml_is_broken(self):
        for parts in (TEMPLATE, BROKEN), (BROKEN, TEMPLATE):
            self.write("a.yaml", "---\n".join(parts))
            _, err = self.run_tool("-q", ".", code=2)
            self.assertEqual([line.split(": ")[1] for line in self.lines(err, 2)], ["error", "error"])

    def test_chart(self):
        text = '%s{{ include "x" . }}: [\n'
        self.write("chart/Chart.yaml", "name: x\n")
        self.write("chart/templates/sub/a.yaml", text % MOVE)
        self.write("chart/templates/b.yaml", MOVE + 'x: "{{ .Values.x }}"\n')
        self.write("other/templates/a.yaml", MOVE + 'x: "{{ .Values.x }}"\n')
        out, err = self.run_tool("-iq", "chart")
        line, = self.lines(err, 1)
        self.assertTrue(line.startswith("chart/templates/sub/a.yaml:"), err)
        self.assertIn("warning: a template that cannot be followed", err)
        self.failure("-i", "chart/templates/sub/a.yaml", name="chart/templates/sub/a.yaml", rule="template")
        self.assertIn("helm template", self.run_tool("-q", ".", cwd=self.path("chart/templates/sub"))[1])
        self.assertEqual(self.read("chart/templates/sub/a.yaml"), text % MOVE)
        self.run_tool("-iq", "other")
        for name in "other/templates/a.yaml", "chart/templates/b.yaml":
            self.assertEqual(self.read(name), MOVED + 'x: "{{ .Values.x }}"\n')

    def test_values_of_a_chart(self):
        text = """gateways:
- podAnnotations:
    team: 5
    sidecar.istio.io/inject: true
    traffic.sidecar.istio.io/excludeOutboundPorts: 5432 # istio-fix: ignore[metadata-value-type]
  podLabels: {sidecar.istio.io/inject: "yes"}
  ports: {sidecar.istio.io/inject: true}
commonLabels: {}
"""
        for name in "chart/values.yaml", "chart/values-prod.yaml", "chart/other.yaml", "values.yaml":
            self.write(name, text)
        self.write("chart/Chart.yaml", "name: x\n")
        for name in "chart/values.yaml", "chart/values-prod.yaml":
            out, _ = self.run_tool("-iq", name, code=1)
            lines = self.lines(out, 2)
            self.assertTrue(lines[0].startswith(name + ":4:30: error: annotation 'sidecar.istio.io/inject' is the boolean true"))
            self.assertTrue(lines[1].startswith(name + ":6:40: warning: label 'sidecar.istio.io/inject' is 'yes'"), out)
            self.assertEqual(out.count("not fixed: what a template makes of it is not known"), 2)
            self.assertEqual(self.read(name), text)
            self.run_tool("-iq", "--add-ignores", name)
            self.assertIn("true  # istio-fix: ignore[metadata-value-type]\n", self.read(name))
            self.run_tool("-q", name)
        for name in "chart/other.yaml", "values.yaml":
            self.assertEqual(self.run_tool("-q", "-x", "suppression", name)[0], "")

    def test_chart_files_without_templates_are_fixed(self):
        self.write("chart/Chart.yaml", "name: x\n")
        self.write("chart/templates/a.yaml", MOVE)
        self.run_tool("-iq", "chart")
        self.assertEqual(self.read("chart/templates/a.yaml"), MOVED)

    def test_live_dumps(self):
        for more in "status:\n  replicas: 1\n", "status: {a: 1}\n":
            self.write("a.yaml", MOVE + more)
            r = subprocess.run([TOOL, "-iq", "a.yaml"], cwd=self.dir, stdout=subprocess.PIPE, timeout=60)
            self.assertIn(r.returncode, (0, 1))
            self.assertEqual(self.read("a.yaml"), MOVE + more)

    def test_not_a_file(self):
        os.mkfifo(self.path("fifo.yaml"))
        self.failure("fifo.yaml", name="fifo.yaml", rule="read", says="not a regular file")
        self.assertEqual(self.run_tool("-q", "."), ("", ""))  # a walk passes it over
        self.failure("/dev/null", name="/dev/null", rule="read", says="not a regular file")

    def test_file_size(self):
        with open(self.path("big.yaml"), "wb") as f:
            f.truncate((1 << 30) + 1)
        self.failure("big.yaml", name="big.yaml", rule="read", says="larger than")

    def test_empty_files(self):
        self.write("a.yaml", "")
        self.write("b.yaml", "\n")
        self.assertEqual(self.run_tool("-i", "."), ("", "no findings in 2 files\n"))


class Names(Case):
    def test_odd_names(self):
        odd = [b"a b.yaml", b"a\nb.yaml", b"\xff\xfe.yaml", "\u00e4\u6f22.yaml".encode(), b"'\"$(x).yaml", b"\x1b[31m.yaml",
               b"-q.yaml", b"a:1:2.yaml", b"x" * 250 + b".yaml"]
        for name in odd:
            self.write(name, REPORT)
        out, err = self.run_tool(".", "-q", code=1, raw=True)
        self.assertEqual(len(out.splitlines()), len(odd))
        self.assertNotIn(b"\x1b", out)
        self.assertIn(b"\na\\nb.yaml:6:5: warning: ", b"\n" + out)
        for name in odd:
            self.write(name, MOVE)
        self.run_tool("-iq", ".", raw=True)
        for name in odd:
            self.assertEqual(self.read(name), MOVED, name)

    def test_errors_stay_one_line(self):
        for name in b"no\nsuch.yaml", b"no\x1bsuch.yaml":
            out, err = self.run_tool("-q", name, code=2)
            self.lines(err, 1)
            self.assertNotIn("\x1b", err)
        self.usage("--a\nb", says="\\n")
        self.usage("-s", "a\nb", ".", says="\\n")
        self.usage("rules", "a\nb", says="\\n")

    def test_a_name_that_is_too_long(self):
        self.failure("x" * 300, name="x" * 300, rule="read", says="name too long")
        self.failure("x/" * 3000, name="x/" * 3000, rule="read", says="name too long")

    def test_a_deep_path(self):
        os.chdir(self.dir)
        self.addCleanup(os.chdir, ROOT)
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        with open("a.yaml", "w") as f:
            f.write(MOVE)
        # deeper than one name can say: an error and no crash
        out, err = self.run_tool("-q", ".", code=2)
        self.lines(err, 1)
        os.chdir(self.dir)

    def patched(self, names, root):
        """The diff of these files, through both programs that people use."""
        for name in names:
            self.write(os.path.join(b"tree", name), MOVE)
        args = [os.path.join(root, n) for n in names]
        diff, _ = self.run_tool("-dq", *args, code=1, raw=True, cwd=self.path("tree"))
        self.write("x.patch", diff)
        env = dict(os.environ, GIT_CEILING_DIRECTORIES=self.dir, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
        for program in [["git", "apply", self.path("x.patch")], ["patch", "-s", "-p1", "-i", self.path("x.patch")]]:
            if not shutil.which(program[0]):
                continue
            for name in names:
                self.write(os.path.join(b"tree", name), MOVE)
            r = subprocess.run(program, cwd=self.path("tree"), env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
            self.assertEqual(r.returncode, 0, (program, r.stdout, diff))
            for name in names:
                self.assertEqual(self.read(os.path.join(b"tree", name)), MOVED, (program, name, diff))

    def test_diffs_of_odd_names(self):
        self.patched([b"a.yaml", b"a b.yaml", b" x .yaml", "\u00e4\u6f22.yaml".encode(), b"\xff.yaml", b'q"uote.yaml',
                      b"back\\slash.yaml", b"sub dir/t\tab.yaml"], b"")

    def test_diffs_of_dotted_names(self):
        self.patched([b"a.yaml", b"sub/b.yaml"], b".")

    def test_diffs_of_absolute_names(self):
        """Below the current directory they are written as `git apply` wants them; elsewhere a note says so."""
        self.patched([b"a.yaml", b"a b.yaml"], self.path("tree"))
        self.write("elsewhere/here", "")
        self.write("tree/a.yaml", MOVE)
        out, err = self.run_tool("-dq", "../tree/a.yaml", code=1, cwd=self.path("elsewhere"))
        self.assertIn("--- a/../tree/a.yaml", out)
        self.assertRegex(err, "^istio-fix: note: '../tree/a.yaml' is not below the current directory: [^\n]+\n$")


class Kustomize(Case):
    """An object without template is a patch where a kustomization says so, and nowhere else."""

    def fixed(self, name, *paths, cwd=None):
        self.run_tool("-iq", "--exit-zero", *(paths or ["."]), cwd=cwd or self.dir)
        return self.read(name) != REPORT

    def setUp(self):
        super().setUp()
        self.write("base/p.yaml", REPORT)

    def test_no_kustomization(self):
        self.assertFalse(self.fixed("base/p.yaml"))

    def test_listed(self):
        for text in ("patches:\n- path: p.yaml\n", "patchesStrategicMerge:\n- p.yaml\n",
                     "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches:\n- path: ./p.yaml\n"
                     "  target:\n    kind: Deployment\n", "kind: Component\npatches: [{path: p.yaml}]\n",
                     "patchesStrategicMerge: [\"../base/p.yaml\"]\n"):
            for name in "kustomization.yaml", "kustomization.yml", "Kustomization":
                self.write("base/p.yaml", REPORT)
                self.write("base/" + name, text)
                self.assertTrue(self.fixed("base/p.yaml"), (name, text))
                self.write("base/p.yaml", REPORT)
                self.assertTrue(self.fixed("base/p.yaml", "base/p.yaml"), (name, text))
                self.write("base/p.yaml", REPORT)
                self.assertTrue(self.fixed("base/p.yaml", "p.yaml", cwd=self.path("base")), (name, text))
                os.unlink(self.path("base/" + name))
        self.assertIn("    metadata:\n      annotations:\n        sidecar.istio.io/rewriteAppHTTPProbers: \"false\"\n",
                      self.read("base/p.yaml"))

    def test_listed_otherwise(self):
        for text in ("resources:\n- p.yaml\n", "patches:\n- path: other.yaml\n", "patchesStrategicMerge: []\n",
                     "patches:\n- patch: |\n    path: p.yaml\n", "patchesJson6902:\n- path: p.yaml\n", "patches: [\n"):
            self.write("base/kustomization.yaml", text)
            self.assertFalse(self.fixed("base/p.yaml", "base/p.yaml"), text)

    def test_listed_from_above(self):
        self.write("kustomization.yaml", "patches:\n- path: base/p.yaml\n")
        self.assertTrue(self.fixed("base/p.yaml", "base/p.yaml"))

    def test_listed_from_another_directory(self):
        self.write("overlay/kustomization.yaml", "resources: [../base]\npatches:\n- path: ../base/p.yaml\n")
        self.assertFalse(self.fixed("base/p.yaml", "base"))
        self.assertTrue(self.fixed("base/p.yaml", "base", "overlay"))

    def test_listed_from_the_current_directory(self):
        self.write("overlay/kustomization.yaml", "patches:\n- path: ../base/p.yaml\n")
        self.assertTrue(self.fixed("base/p.yaml", ".", "../base", cwd=self.path("overlay")))

    def test_a_list_under_another_name_is_none(self):
        self.write("base/notes.yaml", "patches:\n- path: p.yaml\n")
        self.assertFalse(self.fixed("base/p.yaml"))

    def test_a_link_to_the_patch(self):
        self.write("base/kustomization.yaml", "patches:\n- path: link.yaml\n")
        os.symlink("p.yaml", self.path("base/link.yaml"))
        self.assertTrue(self.fixed("base/p.yaml"))


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % TOOL)
        sys.exit(77)
    TOOL = os.path.abspath(TOOL)
    unittest.main()
