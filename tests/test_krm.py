#!/usr/bin/env python3
"""As a function on standard input: ResourceList and results, functionConfig, kustomize's exec plugin.

    test_krm.py [NAME...]       all tests, or those of unittest's names

Inputs: testdata/krm/stdin, and those captured in the shared folder when it is there (ISTIO_FIX_SHARED).
Environment: ISTIO_FIX. Exit 77: there is no tool, or no PyYAML.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

shared.need_yaml()
import yaml  # noqa: E402

TOOL = shared.tool()
STDIN = os.path.join(shared.ROOT, "testdata", "krm", "stdin")

LIST = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: networking.istio.io/v1
  kind: VirtualService
  metadata:
    name: shop # the shop
  spec:
    http:
    - timeout: %s
"""
DIRTY, FIXED, CLEAN = LIST % "45 # s", LIST % "45s # s", LIST % "45s"
CONFIG = "functionConfig:\n  apiVersion: istio-fix.dev/v1\n  kind: IstioFix\n  metadata: {name: f}\n  spec:\n"
MAP = "functionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: f}\n  data:\n"


def fixture(name):
    with open(os.path.join(STDIN, name), newline="") as f:
        return f.read()


def without_results(text):
    return re.split(r"(?m)^results:", text)[0]


def results(text):
    """The results alone: PyYAML refuses lists in which an anchor is there twice."""
    if text.lstrip().startswith("{"):
        return json.loads(text).get("results", [])
    parts = re.split(r"(?m)^results:", text)
    return yaml.safe_load("results:" + parts[1])["results"] if len(parts) > 1 else []


class Case(unittest.TestCase):
    maxDiff = None

    def run_tool(self, stdin, *args, code=0, argv0="istio-fix", env=None, **kw):
        """Run it on a text; check the exit code; (stdout, stderr)."""
        r = subprocess.run([argv0] + list(args), executable=TOOL, input=stdin.encode(), timeout=60,
                           stdout=kw.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                           env=dict(os.environ, LC_ALL="C", **(env or {})), **kw)
        out, err = (r.stdout or b"").decode(), r.stderr.decode()
        self.assertEqual(r.returncode, code, "%r: %s\n%s" % (args, out[:2000], err[:2000]))
        return out, err

    def refused(self, stdin, *args, line, **kw):
        """Exit 2, nothing on standard output, one line that says why."""
        out, err = self.run_tool(stdin, *args, code=2, **kw)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        self.assertRegex(err, line)

    def check_results(self, list_of):
        """The schema of the function specification."""
        for r in list_of:
            self.assertLessEqual(set(r), {"message", "severity", "resourceRef", "field", "file", "tags"})
            self.assertTrue(r["message"] and "\n" not in r["message"])
            self.assertIn(r["severity"], ("error", "warning", "info"))
            if "field" in r:
                self.assertIn("resourceRef", r)
                self.assertTrue(r["field"]["path"])
            if "resourceRef" in r:
                self.assertLessEqual({"apiVersion", "kind", "name"}, set(r["resourceRef"]))
            if "file" in r:
                self.assertFalse(r["file"]["path"].startswith("/"))
                self.assertIsInstance(r["file"].get("index", 0), int)
            for key, value in r["tags"].items():
                self.assertIsInstance(value, str, key)
            self.assertLessEqual({"rule", "level", "fixed", "url"}, set(r["tags"]))


class Answer(Case):
    def test_nothing_to_fix_is_byte_for_byte_what_came(self):
        texts = [fixture(os.path.basename(p)) for p in glob.glob(STDIN + "/*.yaml")]
        self.assertGreater(len(texts), 6)
        texts += [CLEAN, CLEAN.rstrip("\n"), "\ufeff" + CLEAN, CLEAN.replace("\n", "\r\n"), "---\n" + CLEAN + "...\n",
                  json.dumps(yaml.safe_load(CLEAN)), json.dumps(yaml.safe_load(CLEAN), indent=3),
                  CLEAN.replace("items:", "items: &a\n# a comment\n"), CLEAN + "items2: |+\n  x\n\n\n",
                  "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n",
                  "apiVersion: config.kubernetes.io/v1beta1\nkind: ResourceList\n"]
        for text in texts:
            # Of the fixtures this rule finds nothing.
            self.assertEqual(self.run_tool(text, "--select", "drain-settings"), (text, ""))

    def test_a_fix_changes_its_bytes_and_no_others(self):
        text = fixture("fn-run.yaml")
        moved = '      sidecar.istio.io/rewriteAppHTTPProbers: "false" # PAY-4711\n'
        want = text.replace(moved, "", 1).replace(
            "        labels: {app: ledger}\n", "        labels: {app: ledger}\n        annotations:\n    " + moved)
        want = want.replace("timeout: 1m30s", "timeout: 90s").replace('"timeout": "1m30s"', '"timeout": "90s"')
        want = want.replace("timeout: 45 # seconds", "timeout: 45s # seconds")
        out, err = self.run_tool(text)
        self.assertEqual(without_results(out), want)
        self.assertEqual(err, "")
        found = results(out)
        self.check_results(found)
        self.assertEqual([r["file"] for r in found],
                         [{"path": p, "index": 0} for p in ("deploy.yaml", "flow.yaml", "list.yaml", "vs.json")])
        self.assertEqual([r["resourceRef"]["name"] for r in found], ["ledger", "flow", "inner", "json"])
        self.assertEqual({r["tags"]["fixed"] for r in found}, {"yes"})
        self.assertEqual({r["severity"] for r in found}, {"info"})
        self.assertEqual(found[0]["field"], {
            "path": 'metadata.annotations["sidecar.istio.io/rewriteAppHTTPProbers"]', "currentValue": "false"})
        self.assertEqual(found[2]["field"], {"path": "spec.http[0].timeout", "currentValue": 45,
                                             "proposedValue": "45s"})

    def test_a_function_is_a_filter_that_adds_results(self):
        for name in sorted(os.listdir(STDIN)):
            text = re.sub(r"(?ms)^functionConfig:.*", "", fixture(name))
            if not name.startswith("exec-plugin"):
                self.assertEqual(without_results(self.run_tool(text)[0]), self.run_tool(text, "-")[0], name)

    def test_windows_line_ends(self):
        out, _ = self.run_tool(DIRTY.replace("\n", "\r\n"))
        self.assertEqual(without_results(out), FIXED.replace("\n", "\r\n"))
        self.assertEqual(out.count("\n"), out.count("\r\n"))
        self.assertEqual(len(results(out.replace("\r\n", "\n"))), 1)

    def test_no_line_break_at_the_end(self):
        out, _ = self.run_tool(DIRTY.rstrip("\n"))
        self.assertEqual(without_results(out), FIXED)
        self.check_results(results(out))

    def test_a_text_that_is_open_at_the_end_is_handed_back_without_results(self):
        text = DIRTY + "note: |\n  open"
        out, err = self.run_tool(text)
        self.assertEqual(without_results(out), FIXED + "note: |\n  open")
        self.assertRegex(err, "^istio-fix: note: no results in the list: " if not results(out) else "^$")

    def test_json_stays_json(self):
        for style in ({}, {"indent": 2}, {"separators": (",", ":")}):
            text = json.dumps(yaml.safe_load(DIRTY), **style)
            out, _ = self.run_tool(text)
            have = json.loads(out)
            self.check_results(have.pop("results"))
            self.assertEqual(have, yaml.safe_load(FIXED))
            self.assertTrue(out.startswith(text[:40]))

    def test_versions_are_echoed(self):
        out, _ = self.run_tool(DIRTY.replace("io/v1\n", "io/v1beta1\n", 1))
        self.assertTrue(out.startswith("apiVersion: config.kubernetes.io/v1beta1\n"))
        self.assertEqual(len(results(out)), 1)

    def test_results_of_others_give_way_to_ours_and_stay_otherwise(self):
        old = "results:\n- message: old # of somebody\n  severity: info\n"
        self.assertEqual(self.run_tool(CLEAN + old)[0], CLEAN + old)
        for text in (DIRTY + old, DIRTY.replace("items:", old + "items:"), DIRTY + "results: []\n"):
            out, _ = self.run_tool(text)
            self.assertEqual(out.count("results:"), 1)
            self.assertEqual([r["tags"]["rule"] for r in results(out)], ["duration"])
            self.assertNotIn("old", out)

    def test_a_second_run_finds_nothing(self):
        for name in sorted(os.listdir(STDIN)):
            out, _ = self.run_tool(fixture(name))
            self.assertEqual(without_results(self.run_tool(out)[0]), without_results(out), name)

    def test_more_documents_behind_the_list(self):
        out, _ = self.run_tool(DIRTY + "---\n" + CLEAN[CLEAN.index("- api"):])
        self.assertTrue(out.endswith("---\n" + CLEAN[CLEAN.index("- api"):]))

    def test_all_or_nothing(self):
        with open("/dev/full", "wb") as full:
            _, err = self.run_tool(DIRTY, code=2, stdout=full)
        self.assertIn("cannot write", err)
        broken = DIRTY + "a: [\n"
        out, err = self.run_tool(broken, code=2)
        self.assertEqual(out, "")
        self.assertRegex(err, r"^<stdin>:[0-9]+:[0-9]+: error: .*\[yaml\]\n$")

    def test_an_empty_answer_only_to_an_empty_question(self):
        self.assertEqual(self.run_tool("", "--krm"), ("", ""))
        self.assertEqual(self.run_tool(fixture("generator.yaml"))[0], fixture("generator.yaml"))


class Items(Case):
    def test_invented_paths_are_not_told(self):
        out, err = self.run_tool(fixture("second.yaml"))
        self.assertIn("config.kubernetes.io/path: deployment_dev-checkout.yaml", out)
        self.assertEqual([r.get("file") for r in results(out)], [None] * len(results(out)))
        self.assertGreater(len(results(out)), 1)

    def test_origins_are_told(self):
        out, _ = self.run_tool(fixture("overlay.yaml"))
        found = results(out)
        self.check_results(found)
        self.assertEqual([r["file"] for r in found], [{"path": "../../base/deployment.yaml"},
                                                      {"path": "../../base/virtualservice.yaml"}])
        _, err = self.run_tool(fixture("overlay.yaml"), "--level", "safe", "--fail-on", "warning", code=1)
        self.assertRegex(err, r'^\.\./\.\./base/deployment\.yaml: Deployment stage/checkout: '
                              r'metadata\.annotations\["[^ ]+"\]: warning: ')

    def test_notes_of_the_engine_stay(self):
        out, _ = self.run_tool(fixture("kpt.yaml"))
        self.assertIn("something-new: 017\n", out)
        self.assertEqual(len(results(out)), 2)
        self.assertEqual(results(out)[0]["file"], {"path": "pay/vs.yaml", "index": 1})
        lines = [l for l in fixture("kpt.yaml").splitlines() if "config.kubernetes.io/" in l]
        self.assertEqual([l for l in out.splitlines() if "config.kubernetes.io/" in l], lines)

    def test_what_is_never_deployed_is_handed_back(self):
        for name in ("fn-run.yaml", "prefix.yaml"):
            out, _ = self.run_tool(fixture(name))
            self.assertIn("timeout: 45\n", out)
            self.assertNotIn("for-tools-only", json.dumps(results(out)))

    def test_names_that_kustomize_has_changed(self):
        """The Gateway has its prefix, the Service that names it is not yet rewritten."""
        text = """\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata:
    name: pre-waypoint
    namespace: shop
    annotations:
      internal.config.kubernetes.io/previousNames: waypoint,waypoint
  spec: {gatewayClassName: istio-waypoint}
- apiVersion: v1
  kind: Service
  metadata: {name: pre-shop, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
"""
        self.assertEqual(self.run_tool(text)[0], text)
        told = results(self.run_tool(text.replace("previousNames: waypoint,waypoint", "x: y"))[0])
        self.assertEqual([r["tags"]["rule"] for r in told], ["waypoint-label"])
        self.assertIn("has no Gateway 'waypoint'", told[0]["message"])

    def test_the_version_is_not_changed_under_kustomizes_hands(self):
        text = DIRTY.replace("io/v1\n  kind", "io/v1beta1\n  kind")
        args = ["--choose", "api-version=v1", "--select", "api-version"]
        self.assertIn("istio.io/v1\n", self.run_tool(text, *args)[0])
        text = text.replace("    name: shop # the shop\n",
                            "    name: shop\n    annotations: {kustomize.config.k8s.io/id: x}\n")
        out, _ = self.run_tool(text, *args)
        self.assertEqual(without_results(out), text)
        self.assertIn("kustomize finds it by its version", results(out)[0]["message"])


class Suppressed(Case):
    def text(self, above="", note="", behind=""):
        text = DIRTY.replace("- api", "- %sapi" % (above + "\n  " if above else "")).replace("# s", behind or "# s")
        return text.replace("    name: shop # the shop\n", "    name: shop # the shop\n" + note) + DIRTY[DIRTY.index("- api"):]

    def test_comments_and_annotations(self):
        for text in (self.text(note='    annotations: {istio-fix.dev/ignore: "duration"}\n'),
                     self.text(behind="# istio-fix: ignore[duration] why"),
                     # The head of the file that the item was.
                     self.text(above="# istio-fix: ignore-file[duration] why")):
            out, err = self.run_tool(text)
            self.assertEqual(err, "")
            self.assertEqual(len(results(out)), 1)
            self.assertEqual((out.count("timeout: 45 #"), out.count("timeout: 45s #")), (1, 1))

    def test_unused_ones_are_told_of_their_file(self):
        text = self.text(above="# istio-fix: ignore-file[inject-value]",
                         note="    annotations: {config.kubernetes.io/path: a.yaml}\n")
        out, err = self.run_tool(text, "--fail-on", "info", code=1)
        found = [r for r in results(out) if r["tags"]["rule"] == "suppression"]
        self.assertEqual([(r["resourceRef"]["name"], r["file"]["path"]) for r in found], [("shop", "a.yaml")])
        self.assertRegex(err, r"^a\.yaml: VirtualService shop: (info|warning): [^\n]*\[suppression\]\n$")


class Config(Case):
    def test_settings(self):
        for config in ("", "functionConfig:\n", "functionConfig: {}\n", CONFIG, CONFIG + "    level: repair\n",
                       CONFIG + "    select: [duration]\n", MAP, MAP + "    select: duration,inject-value\n",
                       "functionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: f}\n"):
            self.assertEqual(without_results(self.run_tool(DIRTY + config)[0]), FIXED + config)
        for config in (CONFIG + "    level: safe\n", CONFIG + "    ignore: [duration]\n", MAP + "    level: safe\n",
                       MAP + "    ignore: duration\n"):
            self.assertEqual(without_results(self.run_tool(DIRTY + config)[0]), DIRTY + config)
        # before the items, and in JSON
        self.assertIn("timeout: 45 #", self.run_tool(DIRTY.replace("items:", CONFIG + "    level: safe\nitems:"))[0])
        text = json.dumps(yaml.safe_load(DIRTY + CONFIG + "    level: safe\n"))
        self.assertEqual(json.loads(self.run_tool(text)[0])["items"], yaml.safe_load(DIRTY)["items"])

    def test_the_command_line_wins(self):
        text = DIRTY + CONFIG + "    level: safe\n"
        self.assertIn("timeout: 45s", self.run_tool(text, "--krm", "--level", "repair")[0])

    def test_mistakes(self):
        for config, line in (
                (CONFIG + "    lavel: safe\n", r"^IstioFix f: <stdin>:16:5: error: .*'lavel'; did you mean 'level'\? \[config\]$"),
                (CONFIG + "    level: most\n", r"^IstioFix f: <stdin>:16:12: error: level is .*'most' \[config\]$"),
                (CONFIG + "    select: [nonsense]\n", r"^IstioFix f: <stdin>:16:14: error: no rule is called 'nonsense'"),
                (CONFIG + "    in-place: true\n", r"^IstioFix f: <stdin>:16:5: error: 'in-place' is an option of the command"),
                (CONFIG + "    level: {}\n", r"^IstioFix f: <stdin>:16:12: error: level must be a text"),
                (CONFIG + "    mode: maybe\n", r"^IstioFix f: <stdin>:16:11: error: "),
                (CONFIG.replace("  spec:\n", "  level: safe\n"), r"^IstioFix f: <stdin>:15:3: error: 'level' is no field of"),
                (MAP + "    level: [safe]\n", r"^ConfigMap f: <stdin>:16:12: error: "),
                (MAP + "    fix: 'true'\n", r"^ConfigMap f: <stdin>:16:5: error: 'fix' is an option of the command line"),
                ("functionConfig: x\n", r"^<stdin>:11:17: error: functionConfig is an object"),
                (CONFIG.replace("IstioFix", "IstioFx"), r"^IstioFx f: <stdin>:12:3: error: functionConfig is 'IstioFx' of "),
                (CONFIG.replace("dev/v1", "dev/v2"), r"^IstioFix f: <stdin>:12:3: error: functionConfig is .*istio-fix.dev/v2"),
                (MAP.replace("v1", "v2", 1), r"^ConfigMap f: <stdin>:12:3: error: functionConfig is 'ConfigMap' of 'v2'")):
            with self.subTest(config):
                self.refused(DIRTY + config, line=line)

    def test_no_file_is_searched(self):
        """The directory differs by engine and version; only what came along counts."""
        with tempfile.TemporaryDirectory() as cwd:
            with open(os.path.join(cwd, ".istio-fix.yaml"), "w") as f:
                f.write("level: safe\n")
            self.assertEqual(without_results(self.run_tool(DIRTY, cwd=cwd)[0]), FIXED)

    def test_mode_check(self):
        for config in (CONFIG + "    mode: check\n", MAP + "    mode: check\n"):
            out, err = self.run_tool(DIRTY + config, code=1)
            self.assertEqual(without_results(out), DIRTY + config)
            self.assertEqual([(r["severity"], r["tags"]["fixed"]) for r in results(out)], [("error", "no")])
            self.assertRegex(err, r"^VirtualService shop: spec\.http\[0\]\.timeout: error: .* \[duration\]\n"
                                  r"istio-fix: the check failed: would fix 1 finding in 1 file\n$")
            self.assertEqual(self.run_tool(CLEAN + config), (CLEAN + config, ""))
        out, _ = self.run_tool(DIRTY, "--krm", "--check", code=1)
        self.assertEqual(without_results(out), DIRTY)
        _, err = self.run_tool(DIRTY + CONFIG + "    mode: check\n", "--exit-zero")
        self.assertNotIn("the check failed", err)

    def test_what_is_left(self):
        config = CONFIG + "    level: safe\n"
        out, err = self.run_tool(DIRTY + config)
        self.assertRegex(err, r"^VirtualService shop: spec\.http\[0\]\.timeout: error: ")
        self.assertEqual([(r["severity"], r["tags"]["fixed"]) for r in results(out)], [("error", "no")])
        self.run_tool(DIRTY + config + "    fail-on: error\n", code=1)
        self.run_tool(DIRTY + config + "    fail-on: error\n", "--exit-zero")
        self.run_tool(DIRTY, "--exit-non-zero-on-fix", code=1)

    def test_silent_when_all_is_well(self):
        info = CLEAN.replace("io/v1\n  kind", "io/v1beta1\n  kind")
        for text in (CLEAN, DIRTY, info):
            self.assertEqual(self.run_tool(text)[1], "")
        self.assertEqual([r["severity"] for r in results(self.run_tool(info)[0])], ["info"])
        self.assertIn(": info: ", self.run_tool(info, "--fail-on", "info", code=1)[1])


class Detection(Case):
    def test_a_filter_is_no_function(self):
        for args in (["-"], ["--", "-"]):
            self.assertEqual(self.run_tool(DIRTY, *args)[0], FIXED)
        for text in (DIRTY.replace("config.kubernetes.io", "example.com"), DIRTY.replace("ResourceList", "List"),
                     CLEAN[CLEAN.index("- api"):], "a: ResourceList\n"):
            self.assertNotIn("results:", self.run_tool(text)[0])
        self.assertEqual(json.loads(self.run_tool(DIRTY, "-f", "json", code=1)[0])["version"][:1], "0")
        self.assertEqual(self.run_tool(DIRTY, "-c", code=1)[0], "would fix <stdin> (1 of 1 finding)\n")

    def test_files_leave_standard_input_alone(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(CLEAN)
            f.flush()
            out, _ = self.run_tool(DIRTY, f.name)
            self.assertEqual(out, "")
            # A pipe in which nothing comes and that nobody closes.
            r = subprocess.Popen([TOOL, f.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(r.wait(timeout=30), 0)
            for stream in (r.stdin, r.stdout, r.stderr):
                stream.close()

    def test_forced(self):
        self.assertEqual(len(results(self.run_tool(DIRTY, "--krm")[0])), 1)
        stream = CLEAN[CLEAN.index("- api") + 2:].replace("\n  ", "\n")
        self.assertEqual(self.run_tool(stream, "--krm")[0], stream)
        for args in (["--krm", "x.yaml"], ["--krm", "-"], ["--krm", "-d"], ["--krm", "-f", "json"],
                     ["--krm", "--kustomize-legacy", "x"]):
            self.refused(DIRTY, *args, line="^istio-fix: error: ")


class ExecPlugin(Case):
    def config(self, text):
        f = tempfile.NamedTemporaryFile("w", prefix="kust-plugin-config-")
        self.addCleanup(f.close)
        f.write(text)
        f.flush()
        return f.name

    def own(self, spec):
        return self.config("apiVersion: istio-fix.dev/v1\nkind: IstioFix\nmetadata: {name: f}\nspec: %s\n" % spec)

    def setUp(self):
        self.text = fixture("exec-plugin.yaml")
        self.want = self.text.replace("timeout: 1m30s", "timeout: 90s")
        self.assertNotEqual(self.text, self.want)

    def test_all_names(self):
        name = "/opt/plugins/istio-fix.dev/v1/istiofix/IstioFix"
        root = {"KUSTOMIZE_PLUGIN_CONFIG_ROOT": "/x"}
        config = os.path.join(STDIN, "exec-plugin.config.yaml")
        words = ["--select", "duration"]
        self.assertEqual(self.run_tool(self.text, config, *words, argv0=name)[0], self.want)
        self.assertEqual(self.run_tool(self.text, config, "--kustomize-legacy", *words)[0], self.want)
        self.assertEqual(self.run_tool(self.text, self.own("{}"), *words, env=root)[0], self.want)
        # The variable alone says nothing: it may be that of the build in which we are called.
        self.assertEqual(self.run_tool(self.text, "-", *words, env=root)[0], self.want)

    def test_settings(self):
        for spec, fixed in (("{level: safe, select: duration}", True), ("{ignore: [duration, deprecated-field], level: safe}", False)):
            out, _ = self.run_tool(self.text, self.own(spec), argv0="IstioFix")
            self.assertEqual(out, self.want if fixed else self.text)

    def test_origins_are_told(self):
        _, err = self.run_tool(self.text, self.own("{level: safe}"), argv0="IstioFix")
        self.assertRegex(err, r"^\.\./\.\./base/deployment\.yaml: Deployment stage/checkout: metadata")
        bare = re.sub(r"(?m)^    config.kubernetes.io/origin: \|\n.*\n", "", self.text)
        _, err = self.run_tool(bare, self.own("{level: safe}"), argv0="IstioFix")
        self.assertRegex(err, r"^Deployment stage/checkout: metadata")

    def test_check(self):
        out, err = self.run_tool(self.text, self.own("{mode: check}"), argv0="IstioFix", code=1)
        self.assertEqual(out, self.text)
        self.assertIn("[duration]", err)

    def test_a_generator_gets_nothing(self):
        self.assertEqual(self.run_tool("", self.own("{}"), argv0="IstioFix"), ("", ""))

    def test_mistakes(self):
        self.refused(self.text, self.own("{lavel: safe}"), argv0="IstioFix", line=r"^IstioFix f: .*kust-plugin-config-\w+:4:8: error: ")
        self.refused(self.text, self.config("a: [\n"), argv0="IstioFix", line=r"kust-plugin-config-\w+.*: error: ")
        self.refused(self.text, "/nowhere", argv0="IstioFix", line="^/nowhere: error: ")
        self.refused(self.text, argv0="IstioFix", line="^istio-fix: error: .*configuration")
        self.refused(self.text, self.own("{}"), "two words", argv0="IstioFix", line="leave out 'two words'")
        self.refused(self.text, self.own("{}"), "--nonsense", argv0="IstioFix", line="no option '--nonsense'")


class Captured(Case):
    """What kustomize 4 and 5 and kpt sent to other people's rules: the names of ours are put in."""

    def setUp(self):
        root = shared.find()
        self.dir = os.path.join(root, "krm", "captured") if root else ""
        if not os.path.isdir(self.dir):
            self.skipTest("no captured inputs: there is no shared folder")

    def read(self, name):
        with open(os.path.join(self.dir, name), newline="") as f:
            return f.read()

    def ours(self, text):
        text = text.replace("istio-fix.example.com/v1alpha1", "istio-fix.dev/v1")
        return text.replace("IF001", "duration").replace("IF002", "api-version")

    def test_lists(self):
        names = [n for n in sorted(os.listdir(self.dir)) if n.endswith(".stdin.yaml") and "legacy" not in n]
        self.assertGreater(len(names), 9)
        for name in names:
            text = re.sub(r", fix: ['\"]true['\"]|(?m:^    fix: .*\n)", "", self.ours(self.read(name)))
            out, err = self.run_tool(text)
            self.assertEqual(without_results(out), text, name)  # api-version waits to be chosen
            self.assertEqual(err, "", name)
            self.check_results(results(out))

    def test_strangers_are_refused(self):
        self.refused(self.read("kustomize-overlay.stdin.yaml"), line="istio-fix.example.com/v1alpha1")
        self.refused(self.read("kustomize-generator.stdin.yaml"), line="istio-fix.example.com/v1alpha1")
        self.refused(self.read("kpt-fn-eval.stdin.yaml").replace("IF001", "duration"), line="'fix' is an option")

    def test_exec_plugin(self):
        text = self.read("kustomize-legacy-exec.stdin.yaml")
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(self.ours(self.read("kustomize-legacy-exec.config.yaml")))
            f.flush()
            self.assertEqual(self.run_tool(text, f.name, "--select", "duration", argv0="IstioFix"), (text, ""))


if __name__ == "__main__":
    unittest.main()
