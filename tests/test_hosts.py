#!/usr/bin/env python3
"""As a guest of Helm, kubectl, kpt, Argo CD and pre-commit.

    test_hosts.py [NAME...]       all tests, or those of unittest's names

Each host that is in PATH is run; where it is not, its test says so and what it would send is played instead.
Environment: ISTIO_FIX, HELM4 (a Helm of version 4). Exit 77: there is no tool.
"""
import os
import re
import shutil
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
ROOT = shared.ROOT
TREE = os.path.join(ROOT, "testdata", "krm", "tree")

VS = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: %s\nspec:\n  http:\n  - timeout: %s\n"
# What `helm template` writes; a hook is left out of what a post-renderer of Helm 3 gets.
HELM3 = "---\n# Source: shop/templates/vs.yaml\n" + VS % ("shop", "45") + "---\n# Source: shop/charts/db/templates/a.yaml\n" + \
    VS % ("db", "5s")
# What Helm 4 writes to its plugin.
HELM4 = VS.replace("spec:", "  annotations:\n    postrenderer.helm.sh/postrender-filename: 'shop/templates/vs.yaml'\nspec:") \
    % ("shop", "45")
CHART = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n", "values.yaml": "timeout: 45\n",
         "templates/vs.yaml": VS % ("{{ .Release.Name }}", "{{ .Values.timeout }}")}


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="istio-fix-hosts.")
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.bin = os.path.join(self.dir, "bin")
        os.makedirs(self.bin)
        os.makedirs(os.path.join(self.dir, "work"))
        os.symlink(TOOL, os.path.join(self.bin, "istio-fix"))

    def write(self, path, text):
        path = os.path.join(self.dir, "work", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def read(self, path):
        with open(os.path.join(self.dir, "work", path)) as f:
            return f.read()

    def run_program(self, *args, code=0, stdin="", cwd="work", **env):
        env = dict({k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, HOME=self.dir, LC_ALL="C.UTF-8",
                   PATH=self.bin + ":" + os.environ["PATH"], XDG_DATA_HOME=os.path.join(self.dir, "data"), **env)
        r = subprocess.run(list(args), cwd=os.path.join(self.dir, cwd), env=env, timeout=120, input=stdin, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, code, "%r\n%s\n%s" % (args, r.stdout[:3000], r.stderr[:3000]))
        return r.stdout, r.stderr

    def need(self, program):
        if not shutil.which(program):
            self.skipTest("no %s in PATH" % program)


class Helm(Case):
    def test_contract(self):
        for stdin in (HELM3, HELM4):
            self.assertEqual(self.run_program("istio-fix", stdin=stdin), (stdin.replace("timeout: 45", "timeout: 45s"), ""))
            out, err = self.run_program("istio-fix", "--level", "safe", stdin=stdin)
            self.assertEqual(out, stdin)
            self.assertRegex(err, r"^shop/templates/vs\.yaml: VirtualService shop: spec\.http\[0\]\.timeout: error: [^\n]+\n$")
            self.run_program("istio-fix", "--level", "safe", "--fail-on", "error", stdin=stdin, code=1)
        broken = HELM3 + "---\n" + VS % ("[", "45")
        out, err = self.run_program("istio-fix", stdin=broken, code=2)
        self.assertEqual(out, "")
        self.assertRegex(err, r"(?m)^<stdin>:[0-9]+:[0-9]+: error: .*\[yaml\]$")

    def test_a_name_that_was_given_is_the_name(self):
        _, err = self.run_program("istio-fix", "--level", "safe", "--stdin-filename", "out.yaml", "-", stdin=HELM3)
        self.assertRegex(err, r"^out\.yaml:9:14: error: ")

    def chart(self):
        for path, text in CHART.items():
            self.write(path, text)

    def test_helm_3(self):
        self.need("helm")
        if not self.run_program("helm", "version", "--short")[0].startswith("v3"):
            self.skipTest("helm is not of version 3")
        self.chart()
        out, _ = self.run_program("helm", "template", "shop", ".", "--post-renderer", "istio-fix")
        self.assertEqual(out, "---\n# Source: shop/templates/vs.yaml\n" + VS % ("shop", "45s"))
        words = [w for a in ("--level", "safe", "--fail-on", "error") for w in ("--post-renderer-args", a)]
        _, err = self.run_program("helm", "template", "shop", ".", "--post-renderer", "istio-fix", *words, code=1)
        self.assertIn("shop/templates/vs.yaml: VirtualService shop: spec.http[0].timeout: error: ", err)

    def test_helm_4(self):
        helm = os.environ.get("HELM4") or shutil.which("helm")
        if not helm or not re.match(r"v4", self.run_program(helm, "version", "--short")[0]):
            self.skipTest("no helm of version 4 (HELM4, or in PATH)")
        self.chart()
        self.run_program(helm, "plugin", "install", os.path.join(ROOT, "packaging", "helm"))
        out, _ = self.run_program(helm, "template", "shop", ".", "--post-renderer", "istio-fix")
        self.assertEqual(out.strip(), ("---\n# Source: shop/templates/vs.yaml\n" + VS % ("shop", "45s")).strip())

    def test_the_plugin_has_our_version(self):
        with open(os.path.join(ROOT, "packaging", "helm", "plugin.yaml")) as f:
            plugin = yaml.safe_load(f)
        self.assertEqual("istio-fix %s\n" % plugin["version"], self.run_program("istio-fix", "--version")[0])
        self.assertEqual(plugin["runtimeConfig"]["platformCommand"], [{"command": "istio-fix"}])


class Kubectl(Case):
    def setUp(self):
        super().setUp()
        os.symlink(TOOL, os.path.join(self.bin, "kubectl-istio_fix"))
        self.write("vs.yaml", VS % ("shop", "45"))

    def test_its_name(self):
        out, _ = self.run_program("kubectl-istio_fix", "--help")
        self.assertIn("  kubectl istio-fix [OPTIONS] PATH...", out)
        self.assertNotIn("  istio-fix ", out)
        self.assertIn("  istio-fix [OPTIONS] PATH...", self.run_program("istio-fix", "--help")[0])
        _, err = self.run_program("kubectl-istio_fix", "--nonsense", code=2)
        self.assertEqual(err, "istio-fix: error: there is no option '--nonsense'; see 'kubectl istio-fix --help'\n")

    def test_kubectl(self):
        self.need("kubectl")
        self.assertIn("kubectl istio-fix rules", self.run_program("kubectl", "istio-fix", "--help")[0])
        self.assertIn("vs.yaml:7:14: error: ", self.run_program("kubectl", "istio-fix", "vs.yaml", code=1)[0])
        self.assertEqual(self.run_program("kubectl", "istio-fix", "-", stdin=VS % ("shop", "45"))[0], VS % ("shop", "45s"))
        self.run_program("kubectl", "istio_fix", "-i", "vs.yaml")
        self.assertEqual(self.read("vs.yaml"), VS % ("shop", "45s"))


class Kpt(Case):
    def setUp(self):
        super().setUp()
        self.need("kpt")
        self.write("vs.yaml", VS % ("shop", "45 # seconds"))
        self.write("Kptfile", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: demo\npipeline:\n  mutators:\n"
                              "  - exec: istio-fix\n    configMap: {level: repair}\n")

    def test_eval_and_render(self):
        _, err = self.run_program("kpt", "fn", "eval", ".", "--exec", "istio-fix", "--", "mode=check", code=1)
        self.assertIn("[error] networking.istio.io/v1/VirtualService/shop spec.http[0].timeout: ", err)
        self.assertEqual(self.read("vs.yaml"), VS % ("shop", "45 # seconds"))
        _, err = self.run_program("kpt", "fn", "eval", ".", "--exec", "istio-fix", "--", "lavel=safe", code=1)
        self.assertIn("did you mean 'level'", err)
        _, err = self.run_program("kpt", "fn", "render", ".", "--allow-exec")
        self.assertIn("fixed: ", err)
        self.assertEqual(self.read("vs.yaml"), VS % ("shop", "45s # seconds"))
        self.run_program("kpt", "fn", "eval", ".", "--exec", "istio-fix --krm --check")


class ArgoCD(Case):
    def generate(self, **kw):
        with open(os.path.join(ROOT, "packaging", "argocd", "plugin.yaml")) as f:
            generate = yaml.safe_load(f)["spec"]["generate"]
        return self.run_program(*generate["command"], *generate["args"], **kw)

    def kustomize(self, text):
        path = os.path.join(self.bin, "kustomize")
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def test_generate(self):
        self.write("vs.yaml", VS % ("shop", "45"))
        self.kustomize("cat vs.yaml\n")
        self.assertEqual(self.generate(), (VS % ("shop", "45s"), ""))

    def test_a_build_that_fails_is_not_an_empty_one(self):
        self.kustomize("echo no such base >&2\nexit 1\n")
        self.assertEqual(self.generate(code=1), ("", "no such base\n"))


class PreCommit(Case):
    """In a small repository, with the hooks of this one."""

    def setUp(self):
        super().setUp()
        self.need("pre-commit")
        self.need("git")
        hooks = os.path.join(self.dir, "hooks")
        os.makedirs(hooks)
        shutil.copy(os.path.join(ROOT, ".pre-commit-hooks.yaml"), hooks)
        self.git("init", "-q", cwd="hooks")
        self.git("add", ".", cwd="hooks")
        self.git("commit", "-q", "-m", "hooks", cwd="hooks")
        rev = self.git("rev-parse", "HEAD", cwd="hooks")[0].strip()
        self.git("init", "-q")
        self.write(".pre-commit-config.yaml", "repos:\n- repo: %s\n  rev: %s\n  hooks:\n  - id: istio-fix\n    args: [--exclude, old]\n"
                   "  - id: istio-fix-check\n    stages: [manual]\n    args: [--exclude, old]\n" % (hooks, rev))

    def git(self, *args, cwd="work"):
        return self.run_program("git", "-c", "user.name=a", "-c", "user.email=a@example.com", *args, cwd=cwd)

    def hook(self, *args, code):
        return self.run_program("pre-commit", "run", *args, code=code, PRE_COMMIT_HOME=os.path.join(self.dir, "cache"))[0]

    def test_hooks(self):
        for path, text in CHART.items():
            self.write("chart/" + path, text)
        self.write("vs.yaml", VS % ("shop", "45"))
        self.write("old/vs.yaml", VS % ("old", "45"))
        self.write("clean.yaml", VS % ("clean", "5s"))
        self.git("add", ".")
        self.assertIn("would fix vs.yaml", self.hook("--hook-stage", "manual", "istio-fix-check", "--all-files", code=1))
        self.assertEqual(self.read("vs.yaml"), VS % ("shop", "45"))
        self.assertIn("files were modified by this hook", self.hook(code=1))
        self.assertEqual(self.read("vs.yaml"), VS % ("shop", "45s"))
        self.assertEqual(self.read("old/vs.yaml"), VS % ("old", "45"))
        self.git("add", ".")
        out = self.hook(code=0)
        self.assertRegex(out, r"^istio-fix\.+Passed\n$")
        self.hook("--hook-stage", "manual", "istio-fix-check", "--all-files", code=0)

    def test_what_is_left_stops_the_commit(self):
        text = VS.replace("spec:", "  annotations:\n    sidecar.istio.io/rewriteAppHTTPProbers: \"false\"\nspec:") % ("shop", "5s")
        self.write("deploy.yaml", text.replace("networking.istio.io/v1", "apps/v1").replace("VirtualService", "Deployment"))
        self.write("broken.yaml", "annotations:\n  sidecar.istio.io/inject: [\n")
        self.git("add", ".")
        out = self.hook(code=1)
        self.assertRegex(out, r"broken\.yaml:[0-9]+:[0-9]+: error: ")
        self.assertRegex(out, r"deploy\.yaml:[0-9]+:[0-9]+: warning: ")


if __name__ == "__main__":
    unittest.main()
