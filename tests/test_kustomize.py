#!/usr/bin/env python3
"""A real kustomize 5 builds with istio-fix: as a KRM function, as an exec plugin, with `fn run`.

    test_kustomize.py [NAME...]       all tests, or those of unittest's names

kustomize: $KUSTOMIZE, else build/tools (./dev test --all gets it there), else the one in PATH. kubectl from PATH.
Trees and expected output: testdata/krm. Environment: ISTIO_FIX. Exit 77: there is no tool or no kustomize.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

TOOL = shared.tool()
DATA = os.path.join(shared.ROOT, "testdata", "krm")
OVERLAYS = ("dev", "stage", "prod")
PLUGIN = ["build", "--enable-alpha-plugins"]
EXEC = PLUGIN + ["--enable-exec"]


def find_kustomize():
    built = os.path.join(shared.ROOT, "build", "tools", "usr", "bin", "kustomize")
    for program in (os.environ.get("KUSTOMIZE"), built, shutil.which("kustomize")):
        if program and os.access(program, os.X_OK):
            flags = subprocess.run([program, "build", "--help"], stdout=subprocess.PIPE, text=True).stdout
            if "--enable-exec" in flags:
                return program
    return None


KUSTOMIZE = find_kustomize()
if not KUSTOMIZE:
    shared.skip("no kustomize 5 (./dev test --all gets it; or set KUSTOMIZE)")


def text_of(path):
    with open(path) as f:
        return f.read()


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="istio-fix-kustomize.")
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.bin, self.home = os.path.join(self.dir, "bin"), os.path.join(self.dir, "plugin")
        os.makedirs(self.bin)
        # In PATH, as `exec: {path: istio-fix}` wants it; it leaves a line for each call.
        self.calls = os.path.join(self.dir, "calls")
        self.program("istio-fix", 'echo "$0 $*" >>%s\nexec %s "$@"\n' % (self.calls, TOOL))
        self.tree = os.path.join(self.dir, "tree")
        shutil.copytree(os.path.join(DATA, "kustomize"), self.tree)

    def program(self, name, text):
        path = os.path.join(self.bin, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def write(self, path, text):
        path = os.path.join(self.tree, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def run_program(self, *args, code=0, stdin="", **kw):
        env = dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"], KUSTOMIZE_PLUGIN_HOME=self.home)
        r = subprocess.run(list(args), cwd=self.tree, env=env, timeout=120, text=True, input=stdin,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
        self.assertEqual(r.returncode, code, "%r\n%s\n%s" % (args, r.stdout[:2000], r.stderr[:2000]))
        return r.stdout, r.stderr

    def build(self, overlay, *args, **kw):
        return self.run_program(KUSTOMIZE, *(args or EXEC), "overlays/" + overlay, **kw)

    def n_calls(self):
        return len(text_of(self.calls).splitlines()) if os.path.exists(self.calls) else 0

    def without_us(self, overlay):
        other = os.path.join(self.dir, "other")
        shutil.rmtree(other, True)
        shutil.copytree(self.tree, other)
        path = os.path.join(other, "overlays", overlay, "kustomization.yaml")
        text = text_of(path)
        with open(path, "w") as f:
            f.write(text[:text.index("transformers:")])
        return self.run_program(KUSTOMIZE, "build", os.path.join(other, "overlays", overlay))[0]

    def expected(self, overlay):
        return text_of(os.path.join(DATA, "expected", overlay + ".yaml"))

    def set_config(self, overlay, spec="{}", kind="IstioFix", function=True, more=""):
        note = "\n    config.kubernetes.io/function: |\n      exec: {path: istio-fix}\n" if function else " {}\n"
        self.write("overlays/%s/fix.yaml" % overlay, "apiVersion: istio-fix.dev/v1\nkind: %s\nmetadata:\n  name: fix\n"
                   "  annotations:%sspec: %s\n%s" % (kind, note, spec, more))


class Function(Case):
    def test_overlays(self):
        for n, overlay in enumerate(OVERLAYS, 1):
            out, err = self.build(overlay)
            self.assertEqual(out, self.expected(overlay))
            self.assertNotEqual(out, self.without_us(overlay))
            self.assertEqual(self.n_calls(), n)
            # Only prod holds back fixes.
            self.assertEqual(err.count("\n"), 2 if overlay == "prod" else 0, err)

    def test_names_and_hashes_are_still_made(self):
        out, _ = self.build("dev")
        name = [l for l in out.splitlines() if "name: dev-settings-" in l]
        self.assertEqual(len(name), 2, out)
        self.assertEqual(len({l.split()[-1] for l in name}), 1)
        for lost in ("for-tools-only", "config.kubernetes.io/index", "kustomize.config.k8s.io", "IstioFix"):
            self.assertNotIn(lost, out)

    def test_nothing_to_fix_changes_nothing(self):
        self.run_program(TOOL, "-i", "base", "overlays")
        for overlay in ("dev", "prod"):
            self.assertEqual(self.build(overlay), (self.without_us(overlay), ""))
        self.assertEqual(self.n_calls(), 2)

    def test_a_build_that_forgot_a_flag_is_noticed(self):
        out, _ = self.build("dev", *PLUGIN)
        self.assertEqual((self.n_calls(), out), (0, self.without_us("dev")))  # no word of kustomize about it
        self.run_program(TOOL, "-c", "-", stdin=out, code=1)
        self.run_program(TOOL, "-c", "-", stdin=self.build("dev")[0])

    def test_check(self):
        self.set_config("dev", "{mode: check}")
        out, err = self.build("dev", code=1)
        self.assertEqual(out, "")
        self.assertIn("VirtualService dev-checkout: spec.http[0].timeout: error: ", err)
        self.run_program(TOOL, "-i", "base", "overlays")
        self.assertEqual(self.build("dev"), (self.without_us("dev"), ""))

    def test_mistakes_end_the_build(self):
        self.set_config("dev", "{lavel: safe}")
        out, err = self.build("dev", code=1)
        self.assertEqual(out, "")
        self.assertRegex(err, r"<stdin>:[0-9]+:[0-9]+: error: there is no setting 'lavel'; did you mean 'level'")

    def test_versions_that_patches_name(self):
        self.write("base/virtualservice.yaml", text_of(self.tree + "/base/virtualservice.yaml")
                   .replace("istio.io/v1\n", "istio.io/v1beta1\n"))
        self.set_config("dev", "{choose: {api-version: v1}}")
        self.assertIn("networking.istio.io/v1beta1\n", self.build("dev")[0])

    def test_two_functions(self):
        self.write("overlays/dev/again.yaml", text_of(self.tree + "/overlays/dev/fix.yaml").replace("fix\n", "again\n", 1))
        with open(self.tree + "/overlays/dev/kustomization.yaml", "a") as f:
            f.write("- again.yaml\n")
        self.assertEqual(self.build("dev"), (self.expected("dev"), ""))
        self.assertEqual(self.n_calls(), 2)

    def test_generator(self):
        want = self.without_us("dev")
        text = text_of(self.tree + "/overlays/dev/kustomization.yaml")
        self.write("overlays/dev/kustomization.yaml", text.replace("transformers:", "generators:"))
        self.assertEqual(self.build("dev"), (want, ""))
        self.assertEqual(self.n_calls(), 1)


class ExecPlugin(Case):
    def setUp(self):
        super().setUp()
        place = os.path.join(self.home, "istio-fix.dev", "v1", "istiofix")
        os.makedirs(place)
        os.symlink(TOOL, os.path.join(place, "IstioFix"))

    def routes(self):
        """Both programs that have this protocol; kubectl has no other."""
        yield lambda overlay, **kw: self.build(overlay, *PLUGIN, **kw)
        if shutil.which("kubectl"):
            yield lambda overlay, **kw: self.run_program(
                "kubectl", "kustomize", "--enable-alpha-plugins", "overlays/" + overlay, **kw)
        else:
            print("no kubectl in PATH: its route is left out", file=sys.stderr)

    def test_overlays(self):
        for build in self.routes():
            for overlay, spec in (("dev", "{}"), ("stage", "{select: [misplaced-annotation, duration]}"),
                                  ("prod", "{level: safe}")):
                self.set_config(overlay, spec, function=False)
                self.assertEqual(build(overlay)[0], self.expected(overlay))

    def test_words(self):
        for build in self.routes():
            self.set_config("dev", function=False, more="argsOneLiner: --level safe --ignore 'duration,deprecated-field'\n")
            self.assertEqual(build("dev")[0], self.without_us("dev"))

    def test_check_and_mistakes(self):
        for build in self.routes():
            self.set_config("dev", "{mode: check}", function=False)
            self.assertIn("spec.http[0].timeout: error: ", build("dev", code=1)[1])
            self.set_config("dev", "{lavel: safe}", function=False)
            self.assertIn("did you mean 'level'", build("dev", code=1)[1])
            self.set_config("dev", function=False, more="argsOneLiner: some words\n")
            self.assertIn("leave out 'some'", build("dev", code=1)[1])

    def test_generator(self):
        want = self.without_us("dev")
        text = text_of(self.tree + "/overlays/dev/kustomization.yaml")
        self.write("overlays/dev/kustomization.yaml", text.replace("transformers:", "generators:"))
        self.set_config("dev", function=False)
        for build in self.routes():
            self.assertEqual(build("dev")[0], want)


class Container(Case):
    """kustomize and kubectl start the `docker` that is in PATH; ours starts the tool as an image would."""

    def test_overlays(self):
        self.program("docker", 'echo "$0 $*" >>%s\nexec %s\n' % (self.calls, TOOL))
        for overlay in OVERLAYS:
            path = "overlays/%s/fix.yaml" % overlay
            text = text_of(os.path.join(self.tree, path))
            self.write(path, text.replace("exec:", "container:").replace("path: istio-fix", "image: istio-fix"))
            self.assertEqual(self.build(overlay, *PLUGIN)[0], self.expected(overlay))
            if shutil.which("kubectl"):
                out, _ = self.run_program("kubectl", "kustomize", "--enable-alpha-plugins", "overlays/" + overlay)
                self.assertEqual(out, self.expected(overlay))
        for line in text_of(self.calls).splitlines():
            self.assertRegex(line, r"/docker run --rm -i .*--network none .* istio-fix$")


class FnRun(Case):
    def fn_run(self, program):
        tree = os.path.join(self.dir, os.path.basename(program))
        shutil.copytree(os.path.join(DATA, "tree"), tree)
        self.run_program(KUSTOMIZE, "fn", "run", tree, "--enable-exec", "--exec-path", program)
        return tree

    def setUp(self):
        super().setUp()
        if subprocess.run([KUSTOMIZE, "fn", "run", "--help"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("this kustomize has no `fn run`")

    def test_all_comments_are_kept(self):
        """kustomize writes files anew; beside that nothing is lost that a copy does not lose."""
        copy = self.fn_run(self.program("copy", "exec cat\n"))
        ours = self.fn_run(self.program("fix", 'exec %s "$@"\n' % TOOL))
        self.assertNotEqual(shared.files(copy), shared.files(ours))
        self.assertIn(b'"false" # PAY-4711\n', shared.files(ours)["deploy.yaml"])
        self.run_program(TOOL, "-i", copy)
        self.assertEqual(shared.files(copy), shared.files(ours))


if __name__ == "__main__":
    unittest.main()
