#!/usr/bin/env python3
"""Reports for machines: valid by their published schemas whatever the input, and true to the text.

    test_formats.py [NAME...]       all tests, or those of unittest's names

SARIF is validated by its JSON schema, JUnit by Jenkins' XML schema, GitLab's Code Quality by the fields
that its documentation names. SARIF's fixes are applied here, by lines and columns alone, and must give
what `-i` writes. Environment: ISTIO_FIX (ctest sets it). Exit 77: the tool, or a module, is absent (where
CI is set an absent module is a failure).
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import unquote_to_bytes

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

try:
    import jsonschema
    from lxml import etree
except ImportError as e:
    if os.environ.get("CI"):
        sys.exit("this test needs python3-jsonschema and python3-lxml: %s" % e)
    shared.skip("python3-jsonschema and python3-lxml are not both installed (%s)" % e)

TOOL = shared.tool()
TESTDATA = os.path.join(shared.ROOT, "testdata")
SCHEMAS = os.path.join(TESTDATA, "schemas")
FORMATS = ["json", "sarif", "github", "gitlab", "junit"]
SEVERITIES = ["error", "warning", "info"]

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
INFO = SERVICE % "1m30s"
CLEAN = SERVICE % "5s"
TEMPLATE = "kind: Deployment\nmetadata:\n  name: {{ if .Values.name }}\n  annotations:\n    sidecar.istio.io/inject: 'no'\n"
BROKEN = "metadata:\n  annotations:\n    sidecar.istio.io/inject: 'false'\n  x: [\n"

# Done one after the other the fixes leave comments in another order, or quotes like a sibling's that came first.
ORDER_MATTERS = {"misplaced-annotation/two-templates-on-one-line", "misplaced-label/several-templates"}

# Whatever a file can be called.
NAMES = [b"plain.yaml", b"a b.yaml", b"it's \"quoted\".yaml", b"100%25.yaml", b"a:b,c=d.yaml", b"new\nline\r.yaml",
         b"not-utf8-\xff\xc3.yaml", b"esc\x1b[31m.yaml", b"<&>]]>.yaml", "ünï-日本-🚀.yaml".encode(), b"\x01\x7f.yaml",
         b"back\\slash.yaml", "\ufffe\ufffd.yaml".encode(), "\u2028.yaml".encode(), b"-dash.yaml", b"::error ::x.yaml",
         b"sub dir/#frag?query.yaml"]


def load_schema(name):
    with open(os.path.join(SCHEMAS, name)) as f:
        schema = json.load(f)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=jsonschema.FormatChecker())


SARIF = load_schema("sarif-2.1.0.json")
JUNIT = etree.XMLSchema(etree.parse(os.path.join(SCHEMAS, "junit-10.xsd")))
COMMAND = re.compile(r"^::(error|warning|notice) file=([^:,\n]+)((?:,(?:line|endLine|col|endColumn)=[1-9][0-9]*)*)"
                     r",title=([A-Za-z0-9-]+(?: IST[0-9]{4})?)::([^\n]+)$")


class Text:
    """A file as SARIF sees it: without its byte order mark, lines that end in CRLF or LF, columns in code points."""

    def __init__(self, data, kind):
        assert kind in ("unicodeCodePoints", "utf16CodeUnits"), kind
        self.mark = data.startswith(b"\xef\xbb\xbf")
        self.unit = kind
        self.lines = data.decode("utf-8-sig").split("\n")

    def cut(self, line, column):
        """The line in two parts, before and from the column."""
        text = self.lines[line - 1]
        if self.unit == "utf16CodeUnits":
            units = text.encode("utf-16-le")
            return units[:2 * column - 2].decode("utf-16-le"), units[2 * column - 2:].decode("utf-16-le")
        assert 1 <= column <= len(text.rstrip("\r")) + 1, (line, column, text)
        return text[:column - 1], text[column - 1:]

    def offset(self, line, column):
        """In bytes of the file."""
        before = "\n".join(self.lines[:line - 1] + [self.cut(line, column)[0]])
        return 3 * self.mark + len(before.encode())

    def region(self, r):
        """(start, end) in bytes of the file."""
        return self.offset(r["startLine"], r["startColumn"]), self.offset(r["endLine"], r["endColumn"])


def edits_of(result, data, kind):
    """[(start, end, bytes)] of a result's fix; None: it has none."""
    if "fixes" not in result:
        return None
    fix, = result["fixes"]
    change, = fix["artifactChanges"]
    assert change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
    text = Text(data, kind)
    return [text.region(r["deletedRegion"]) + (r["insertedContent"]["text"].encode(),) for r in change["replacements"]]


def splice(data, edits):
    for start, end, text in sorted(edits, reverse=True):
        data = data[:start] + text + data[end:]
    return data


def run_tool(args, cwd, stdin=None):
    kw = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run([os.fsencode(a) for a in [TOOL] + args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          cwd=cwd, env=dict(os.environ, LC_ALL="C"), **kw)


class Golden:
    """A case of testdata: `file` in `path`, with the bytes `data`."""

    def __init__(self, rule, case, file):
        self.name, self.file = "%s/%s" % (rule, case), file
        self.path = os.path.join(TESTDATA, rule, case)
        self.options = [] if rule == "template" else ["--select", rule]  # those are for all rules
        self.found = None
        with open(os.path.join(self.path, file), "rb") as f:
            self.data = f.read()
        if os.path.exists(os.path.join(self.path, "args")):
            with open(os.path.join(self.path, "args")) as f:
                self.options += [line.strip() for line in f if line.strip()]

    def report(self, form):
        return run_tool(["-f", form] + self.options + [self.file], self.path).stdout

    def sarif(self, test):
        """(results, columnKind), validated; asked for once."""
        if not self.found:
            out = self.report("sarif")
            self.found = test.parse("sarif", out), json.loads(out)["runs"][0]["columnKind"]
        return self.found


CASES = []


def golden_cases():
    for rule in sorted(os.listdir(TESTDATA)) if not CASES else []:
        for case in sorted(os.listdir(os.path.join(TESTDATA, rule))):
            CASES.extend(Golden(rule, case, name) for name in ("before.yaml", "before.json")
                         if os.path.exists(os.path.join(TESTDATA, rule, case, name)))
    return CASES[::shared.stride(TOOL)]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="istio-fix-formats.")
        self.addCleanup(scratch.cleanup)
        self.dir = scratch.name

    def write(self, name, data):
        path = os.path.join(os.fsencode(self.dir), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)

    def read(self, name):
        with open(os.path.join(os.fsencode(self.dir), os.fsencode(name)), "rb") as f:
            return f.read()

    def run_tool(self, *args, code=None, stdin=None):
        r = run_tool(list(args), self.dir, stdin)
        if code is not None:
            self.assertEqual(r.returncode, code, (args, r.stdout[:2000], r.stderr[:2000]))
        return r

    # --- each format: valid, and how many results it has ---

    def parse(self, form, out):
        """Validate; the results, in the words of the format."""
        # a name that is not UTF-8 goes to GitHub as it is
        errors = "surrogateescape" if form == "github" else "strict"
        return getattr(self, "parse_" + form)(out.decode("utf-8", errors))

    def parse_json(self, out):
        return json.loads(out)["results"]

    def parse_sarif(self, out):
        log = json.loads(out)
        errors = ["%s: %s" % (e.json_path, e.message[:300]) for e in SARIF.iter_errors(log)]
        self.assertEqual(errors, [])
        run, = log["runs"]
        rules = run["tool"]["driver"]["rules"]
        self.assertEqual(len({r["id"] for r in rules}), len(rules))
        for result in run["results"]:
            self.assertEqual(rules[result["ruleIndex"]]["id"], result["ruleId"])
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            self.assertRegex(uri, r"^(?:file:///)?(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+$")
        return run["results"]

    def parse_github(self, out):
        lines = out.splitlines() if out.isascii() else out.split("\n")[:-1]
        found = [COMMAND.match(line) for line in lines]
        self.assertTrue(all(found), [line for line, m in zip(lines, found) if not m])
        for m in found:
            at = dict(p.split("=") for p in m.group(3).split(",")[1:])
            self.assertNotRegex(m.group(2) + m.group(5), r"%(?!25|0A|0D|3A|2C)")
            if "col" in at or "endColumn" in at:  # else the runner refuses the command
                self.assertEqual(at["line"], at["endLine"])
                self.assertGreaterEqual(int(at["endColumn"]), int(at["col"]))
        return found

    def parse_gitlab(self, out):
        self.assertFalse(out.startswith("\ufeff"))
        issues = json.loads(out)
        self.assertIsInstance(issues, list)
        for issue in issues:
            self.assertEqual(set(issue), {"description", "check_name", "fingerprint", "severity", "location"})
            self.assertIn(issue["severity"], ("info", "minor", "major", "critical", "blocker"))
            self.assertTrue(issue["description"] and issue["check_name"])
            self.assertRegex(issue["fingerprint"], r"^[0-9a-f]{16}$")
            self.assertFalse(issue["location"]["path"].startswith("./"))
            self.assertGreaterEqual(issue["location"]["lines"]["begin"], 1)
        self.assertEqual(len({i["fingerprint"] for i in issues}), len(issues))
        return issues

    def parse_junit(self, out):
        root = etree.fromstring(out.encode())
        JUNIT.assertValid(root)
        for suite in root:
            cases = suite.findall("testcase")
            self.assertEqual(int(suite.get("tests")), len(cases))
            for name, element in ("failures", "failure"), ("errors", "error"), ("skipped", "skipped"):
                self.assertEqual(int(suite.get(name)), len(suite.findall("testcase/" + element)))
            names = [c.get("name") for c in cases]
            self.assertTrue(names)
        return root.findall("testsuite/testcase/*")


class Robustness(Case):
    def tree(self):
        contents = [MOVE, INFO, CLEAN, BROKEN, TEMPLATE, MOVE + "---\n" + BROKEN, SERVICE % '"5\\u0001\\u2028\\uFFFE"',
                    SERVICE % '"]]><&\\e[0m%0A::error ::x"', b"sidecar.istio.io/inject: \xff\xfe\n", b"", "\ufeff" + MOVE,
                    MOVE.replace("\n", "\r\n"), "# ünï 🚀\n" + MOVE.replace("shop", "ünï🚀")]
        for i, name in enumerate(NAMES):
            self.write(name, contents[i % len(contents)])

    def check_all(self, *args, stdin=None, failures=0):
        """Each format says as much as JSON does, with the exit code that text has."""
        self.tree()
        text = ["-f", "text"] if stdin else []  # else it is a filter
        code = self.run_tool(*text, *args, stdin=stdin).returncode
        results = {}
        for form in FORMATS:
            self.tree()
            r = self.run_tool("-f", form, *args, code=code, stdin=stdin)
            results[form] = self.parse(form, r.stdout)
        n = len([r for r in results["json"] if not (r["fix"] or {}).get("applied")])
        self.assertEqual(len(results["sarif"]), n)
        for form in "github", "gitlab", "junit":
            self.assertEqual(len(results[form]), n + failures, form)
        return results

    def test_all_names_and_modes(self):
        for mode in [], ["-c"], ["-d"], ["-l"], ["-i"], ["--level=all"], ["--exit-zero"], ["-q"], ["-v"]:
            with self.subTest(mode=mode):
                results = self.check_all(*mode, ".")
                self.assertGreater(len(results["json"]), 10)

    def test_problems_are_told(self):
        results = self.check_all("--", *NAMES)
        rules = {r["rule"] for r in results["json"]}
        self.assertLessEqual({"yaml", "template"}, rules)
        self.assertEqual({r["ruleId"] for r in results["sarif"]}, rules)
        self.assertEqual({m.group(4).split()[0] for m in results["github"]}, rules)
        self.assertEqual({i["check_name"] for i in results["gitlab"]}, rules)
        self.assertEqual({e.getparent().get("name").split()[0] for e in results["junit"]}, rules)

    def test_failures_in_the_middle(self):
        paths = ["plain.yaml", "absent\n.yaml", "a b.yaml", b"absent-\xff.yaml", "it's \"quoted\".yaml"]
        results = self.check_all(*paths, failures=2)
        self.assertEqual(len([e for e in results["junit"] if e.tag == "error"]), 2)
        log = json.loads(self.run_tool("-f", "sarif", *paths).stdout)
        invocation, = log["runs"][0]["invocations"]
        self.assertFalse(invocation["executionSuccessful"])
        uris = [n["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                for n in invocation["toolExecutionNotifications"]]
        self.assertEqual(uris, ["absent%0A.yaml", "absent-%FF.yaml"])

    def test_wrong_settings_are_no_success(self):
        self.write("d/a.yaml", MOVE)
        self.write("d/.istio-fix.yaml", "surprise: 1\n")
        for form in FORMATS:
            self.parse(form, self.run_tool("-f", form, ".", code=2).stdout)
        log = json.loads(self.run_tool("-f", "sarif", ".").stdout)
        self.assertFalse(log["runs"][0]["invocations"][0]["executionSuccessful"])

    def test_nothing_to_say(self):
        self.write("x/clean.yaml", CLEAN)
        os.mkdir(os.path.join(self.dir, "empty"))
        for path in "x", "empty":
            for form in FORMATS:
                r = self.run_tool("-f", form, path, code=0)
                self.assertEqual(len(self.parse(form, r.stdout)), 0)
        log = json.loads(self.run_tool("-f", "sarif", "x").stdout)
        self.assertTrue(log["runs"][0]["invocations"][0]["executionSuccessful"])
        suite, = etree.fromstring(self.run_tool("-f", "junit", "x").stdout)
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures")), ("x/clean.yaml", "1", "0"))
        self.assertEqual(self.run_tool("-f", "github", "x").stdout, b"")

    def test_standard_input(self):
        self.check_all("-", stdin=MOVE.encode())
        self.check_all("-", stdin=BROKEN.encode())
        self.check_all("-", "--stdin-filename", "a\tb.yaml", stdin=MOVE.encode())

    def test_names_come_back(self):
        """From each format the file can be found, as far as the format can say its name."""
        for name in NAMES:
            self.write(name, MOVE)
        text = {name.decode("utf-8", "replace").replace("\ufffe", "\ufffd") for name in NAMES}

        results = self.parse("sarif", self.run_tool("-f", "sarif", ".").stdout)
        uris = {unquote_to_bytes(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for r in results}
        self.assertEqual(uris, set(NAMES))
        issues = self.parse("gitlab", self.run_tool("-f", "gitlab", ".").stdout)
        self.assertEqual({i["location"]["path"].replace("\ufffe", "\ufffd") for i in issues}, text)
        raw = self.run_tool("-f", "github", ".").stdout
        found = {unquote_to_bytes(m) for m in re.findall(rb"(?m)^::warning file=([^:,]+),", raw)}
        self.assertEqual(found, set(NAMES))

    def test_paths_are_relative_where_they_can_be(self):
        self.write("d/a.yaml", MOVE)
        self.write("b.yaml", MOVE)
        for path in "./d/../d//a.yaml", os.path.join(self.dir, "d/a.yaml"):
            result, = self.parse("sarif", self.run_tool("-f", "sarif", path).stdout)
            self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "d/a.yaml")
            issue, = self.parse("gitlab", self.run_tool("-f", "gitlab", path).stdout)
            self.assertEqual(issue["location"]["path"], "d/a.yaml")
        r = run_tool(["-f", "sarif", "../b.yaml", os.path.join(self.dir, "b.yaml")], os.path.join(self.dir, "d"))
        result, = self.parse("sarif", r.stdout)
        self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "../b.yaml")
        r = run_tool(["-f", "sarif", os.path.join(self.dir, "b.yaml")], os.path.join(self.dir, "d"))
        result, = self.parse("sarif", r.stdout)
        self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
                         "file://" + self.dir + "/b.yaml")

    def test_unknown_format(self):
        r = self.run_tool("-f", "xml", ".", code=2)
        self.assertIn(b"text, json, sarif, github, gitlab or junit", r.stderr)


class Sarif(Case):
    def sarif(self, *args):
        """(results, columnKind)"""
        out = self.run_tool("-f", "sarif", *args).stdout
        return self.parse("sarif", out), json.loads(out)["runs"][0]["columnKind"]

    def fixed(self, name, options, found=None):
        """Apply the chosen fixes one after the other, looking again after each. found: the first look."""
        for _ in range(200):
            results, kind = found or self.sarif(*options, name)
            found = None
            todo = [r for r in results if r["properties"]["fixChosen"]]
            if not todo:
                return self.read(name)
            edits = next((e for e in (edits_of(r, self.read(name), kind) for r in todo) if e), None)
            if not edits:
                return None
            self.write(name, splice(self.read(name), edits))
        return self.fail("no end to the fixes of " + name)

    def test_regions_and_fixes_are_those_of_the_tool(self):
        """Lines and columns lead to the same bytes as the offsets in JSON, for every case."""
        n = 0
        for case in golden_cases():
            found, kind = case.sarif(self)
            plain = self.parse("json", case.report("json"))
            self.assertEqual([r["ruleId"] for r in found], [r["rule"] for r in plain])
            text = Text(case.data, kind) if found else None
            for result, want in zip(found, plain):
                n += 1
                at = result["locations"][0]["physicalLocation"]["region"]
                self.assertEqual((at["startLine"], at["startColumn"]), (want["line"], want["column"]), case.name)
                start, end = text.region(at)
                self.assertLessEqual(start, end, case.name)
                edits = [(e["offset"], e["offset"] + e["length"], e["text"].encode())
                         for e in (want["fix"] or {}).get("edits", [])]
                have = edits_of(result, case.data, kind) or []
                self.assertEqual(len(have), len(edits), case.name)
                # an edit inside of a CRLF is one of the whole line end
                self.assertEqual(splice(case.data, have), splice(case.data, edits), case.name)
        self.assertGreater(n * shared.stride(TOOL), 700)

    def test_applied_they_give_what_the_tool_writes(self):
        """And what is reported while it writes is the report of the text that it wrote."""
        def told(results):
            return [(r["ruleId"], r["level"], r["locations"], r["partialFingerprints"], r.get("fixes"))
                    for r in results]
        applied = left = 0
        for case in golden_cases():
            self.write(case.file, case.data)
            results, _ = self.sarif("-i", *case.options, case.file)
            left += len(results)
            want = self.read(case.file)
            now = self.sarif(*case.options, case.file) if want != case.data else case.sarif(self)
            self.assertEqual(told(results), told(now[0]), case.name)
            self.write(case.file, case.data)
            have = self.fixed(case.file, case.options, case.sarif(self))
            if have is None:
                continue
            if case.name in ORDER_MATTERS:
                self.assertNotEqual(have, want, "not an exception any more: " + case.name)
            else:
                self.assertEqual(have, want, case.name)
                applied += have != case.data
        self.assertGreater(left * shared.stride(TOOL), 200)
        self.assertGreater(applied * shared.stride(TOOL), 300)

    def test_odd_texts(self):
        wide = MOVE.replace("shop", "ünï🚀").replace("# why", "# 🚀 warum").replace('"false"', '"false"   ')
        flow = '{apiVersion: apps/v1, kind: Deployment, metadata: {name: "🚀é", annotations: {sidecar.istio.io/' \
               'rewriteAppHTTPProbers: "false"}}, spec: {template: {metadata: {labels: {app: ünï}}}}}\n'
        for data in wide, flow, "\ufeff" + wide, "\ufeff" + flow, wide.replace("\n", "\r\n"), \
                "\ufeff" + wide.replace("\n", "\r\n"), flow.rstrip("\n"), wide.rstrip("\n"), \
                "# \U0001F680\n---\n" + wide + "---\n" + flow:
            self.write("a.yaml", data)
            self.run_tool("-i", "a.yaml", code=0)
            want = self.read("a.yaml")
            self.assertNotEqual(want, data.encode())
            self.write("a.yaml", data)
            self.assertEqual(self.fixed("a.yaml", []), want)

    def test_regions_are_the_text_they_are_about(self):
        data = "\ufeff# 🚀\r\n" + (SERVICE % '"é🚀 5"').replace("\n", "\r\n")
        self.write("a.yaml", data)
        (result,), kind = self.sarif("a.yaml")
        start, end = Text(data.encode(), kind).region(result["locations"][0]["physicalLocation"]["region"])
        self.assertEqual(data.encode()[start:end].decode(), '"é🚀 5"')
        m, = self.parse("github", self.run_tool("-f", "github", "a.yaml").stdout)
        self.assertEqual(m.group(3), ",line=8,endLine=8,col=14,endColumn=20")

    def test_fingerprints_do_not_depend_on_lines(self):
        def prints(form):
            results = self.parse(form, self.run_tool("-f", form, "a.yaml").stdout)
            return [r["fingerprint"] if form == "gitlab" else r["partialFingerprints"]["istio-fix/v1"] for r in results]
        two = MOVE + "---\n" + INFO + "---\n" + INFO  # the last ones are alike
        self.write("a.yaml", two)
        for form in "sarif", "gitlab":
            self.write("a.yaml", two)
            before = prints(form)
            self.assertEqual(len(set(before)), 3)
            self.write("a.yaml", "# one\n# more\n\n" + two)
            self.assertEqual(prints(form), before)
            self.write("a.yaml", two.replace("1m30s", "1m31s"))
            self.assertEqual([a == b for a, b in zip(prints(form), before)], [True, False, False])

    def test_rules_explain_themselves(self):
        self.write("a.yaml", "---\n".join([MOVE, INFO, "x: {sidecar.istio.io/inject: 1\n"]))
        self.write("r.yaml", "id: no-cat\nsummary: no pets\nsource: https://example.com/\nlevel: safe\nmatch: {message: "
                   "ProxyConfig}\ncases:\n- when: {has: [cat]}\n  message: \"'{key}' is a pet\"\n  do: [{remove: cat}]\n")
        self.write("pod.yaml", 'kind: Pod\napiVersion: v1\nmetadata:\n  name: a\n  annotations:\n    '
                   'proxy.istio.io/config: |\n      cat: 1\n')
        log = json.loads(self.run_tool("-f", "sarif", "--rules", "r.yaml", "a.yaml", "pod.yaml").stdout)
        rules = {r["id"]: r for r in log["runs"][0]["tool"]["driver"]["rules"]}
        self.assertLessEqual({"misplaced-annotation", "duration", "yaml", "no-cat"}, set(rules))
        for rule in "misplaced-annotation", "duration", "no-cat":
            page = self.run_tool("rules", rule, "--rules", "r.yaml").stdout.decode()
            self.assertEqual(rules[rule]["help"], {"text": page, "markdown": page})
            self.assertIn(rules[rule]["fullDescription"]["text"], page)
            self.assertRegex(rules[rule]["helpUri"], "^https://")
        listed = self.run_tool("rules").stdout.decode()
        self.assertIn(rules["duration"]["shortDescription"]["text"] + "\n", listed)
        self.assertNotIn("helpUri", rules["yaml"])
        self.assertEqual(rules["duration"]["defaultConfiguration"]["level"], "note")
        self.assertIn("IST0107", rules["misplaced-annotation"]["properties"]["tags"])


class Github(Case):
    def test_columns(self):
        """Those of SARIF where a region is one line; none elsewhere."""
        n = 0
        for case in golden_cases():
            found, (results, _) = self.parse("github", case.report("github")), case.sarif(self)
            self.assertEqual(len(found), len(results))
            for m, result in zip(found, results):
                r = result["locations"][0]["physicalLocation"]["region"]
                want = ",line=%d,endLine=%d" % (r["startLine"], r["endLine"])
                if r["startLine"] == r["endLine"]:
                    want += ",col=%d,endColumn=%d" % (r["startColumn"], r["endColumn"])
                self.assertEqual(m.group(3), want, case.name)
                n += 1
        self.assertGreater(n * shared.stride(TOOL), 700)

    def test_summary_and_severities(self):
        self.write("a.yaml", "---\n".join([MOVE, INFO, SERVICE % '"5"']))
        r = self.run_tool("-f", "github", "a.yaml", code=1)
        self.assertEqual([m.group(1) for m in self.parse("github", r.stdout)], ["warning", "notice", "error"])
        self.assertEqual(r.stderr, b"would fix 3 findings in 1 file\n")
        self.assertEqual(self.run_tool("-q", "-f", "github", "a.yaml", code=1).stderr, b"")

    def test_problem_matcher(self):
        """Its expressions read every line that text mode prints, and no other."""
        with open(os.path.join(shared.ROOT, ".github", "istio-fix-problem-matcher.json")) as f:
            matchers = json.load(f)["problemMatcher"]
        self.assertEqual(len({m["owner"] for m in matchers}), len(matchers))
        self.write("a: b.yaml", "---\n".join([MOVE, INFO, SERVICE % '"5"']))
        self.write("broken [x].yaml", BROKEN)
        r = self.run_tool("a: b.yaml", "broken [x].yaml", "absent.yaml", code=2)
        lines = (r.stdout + r.stderr).decode().splitlines()
        found = []
        for line in lines:
            hits = [(m, re.search(m["pattern"][0]["regexp"], line)) for m in matchers]
            hits = [(m, hit) for m, hit in hits if hit]
            self.assertLessEqual(len(hits), 1, line)
            for m, hit in hits:
                p = m["pattern"][0]
                get = {k: hit.group(p[k]) for k in ("file", "line", "column", "severity", "message", "code") if k in p}
                self.assertIn(get.setdefault("severity", m.get("severity")), ("error", "warning", "notice"))
                self.assertTrue(get["message"])
                found.append((get["file"], get["line"], get["column"], get["severity"], get["code"]))
        self.assertEqual(sorted(found, key=str), [
            ("a: b.yaml", "19", "14", "notice", "duration"), ("a: b.yaml", "30", "14", "error", "duration"),
            ("a: b.yaml", "6", "5", "warning", "misplaced-annotation"), ("absent.yaml", None, None, "error", "read"),
            ("broken [x].yaml", "5", "1", "error", "yaml")])
        self.assertEqual(len(lines), len(found) + 1)  # the summary


class Statistics(Case):
    TABLE = ("findings  %s      left  rule\n       2          2         0  duration\n"
             "       1          1         0  misplaced-annotation IST0107\n")

    def setUp(self):
        super().setUp()
        self.write("a.yaml", "---\n".join([MOVE, INFO, SERVICE % '"5"']))

    def test_modes(self):
        """Behind the summary, on standard error; whatever the mode, only what was counted is told."""
        would, did = self.TABLE % "would fix", self.TABLE % "    fixed"
        summary = "would fix 3 findings in 1 file\n"
        for args, want in (([], summary + would), (["-q"], would), (["-c"], summary + would), (["-d"], summary + would),
                           (["-l"], would), (["-f", "github"], summary + would), (["-f", "sarif"], would),
                           (["-f", "gitlab"], would), (["-f", "junit"], would)):
            r = self.run_tool("--statistics", *args, "a.yaml", code=1)
            self.assertEqual(r.stderr.decode(), want, args)
            self.assertEqual(r.stdout, self.run_tool(*args, "a.yaml").stdout)
        data = self.read("a.yaml")
        self.assertEqual(self.run_tool("--statistics", "-", stdin=data, code=0).stderr.decode(), did)
        r = self.run_tool("-i", "--statistics", "a.yaml", code=0)
        self.assertEqual(r.stderr.decode(), "fixed 3 findings in 1 file\n" + did)
        r = self.run_tool("-i", "--statistics", "a.yaml", code=0)
        self.assertEqual(r.stderr.decode(), "no findings in 1 file\n")

    def test_json(self):
        r = self.run_tool("-f", "json", "--statistics", "--level=safe", "a.yaml", code=1)
        self.assertEqual(r.stderr, b"")
        self.assertEqual(json.loads(r.stdout)["summary"]["rules"], [
            {"rule": "duration", "ist": None, "seen": 2, "fixed": 1, "left": 1},
            {"rule": "misplaced-annotation", "ist": "IST0107", "seen": 1, "fixed": 0, "left": 1}])
        self.assertNotIn("rules", json.loads(self.run_tool("-f", "json", "a.yaml").stdout)["summary"])


class Diff(Case):
    def test_git_apply_takes_every_diff(self):
        """All golden cases as one tree: `-d | git apply` writes what `-i` does."""
        trees = {}
        for case in golden_cases():
            kept = tuple(case.options[2:])  # all rules: one diff per set of other options
            trees.setdefault(kept, {})["%s/%s" % (case.name, case.file)] = case.data
        env = dict(os.environ, GIT_CEILING_DIRECTORIES=self.dir, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
        changed = 0
        for i, (options, files) in enumerate(sorted(trees.items())):
            for side in "applied", "written":
                for name, data in files.items():
                    self.write("%d/%s/%s" % (i, side, name), data)
            applied, written = (os.path.join(self.dir, str(i), side) for side in ("applied", "written"))
            diff = run_tool(["-d", "-q", *options, "."], applied)
            run_tool(["-i", "-q", *options, "."], written)
            if diff.stdout:
                r = subprocess.run(["git", "apply", "--whitespace=nowarn", "-"], input=diff.stdout, cwd=applied,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env=env)
                self.assertEqual(r.returncode, 0, r.stdout.decode("utf-8", "replace")[:2000])
            have, want = shared.files(applied), shared.files(written)
            self.assertEqual({n for n in want if have[n] != want[n]}, set())
            changed += sum(want[n] != files[n] for n in files)
        self.assertGreater(changed * shared.stride(TOOL), 400)


if __name__ == "__main__":
    unittest.main()
