#!/usr/bin/env python3
"""Phases of a migration to ambient mode, written to files and taken back.

    test_ambient_apply.py [NAME...]       all tests, or those of unittest's names

Golden trees: testdata/ambient-apply/CASE has `start` and, for each phase that changes something, the tree after it
(`prepare`, `bind`, `enroll`, `cleanup`, or `cutover` from the start); `args` has options for all phases. Each phase
is done twice, and all are taken back one by one. With a file `notes` the phase `routes` is among them; it has what
that phase says of what stays. UPDATE_GOLDEN=1 writes the trees anew; then read the difference.
IFX_RANDOM_TREES: how many random trees are tried, 12 unless said.

Environment: ISTIO_FIX (ctest sets it), ISTIO_FIX_SHARED: the folder with ambient/examples. Exit 77: there is no tool.
"""
import hashlib
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")
SHARED = os.environ.get("ISTIO_FIX_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
EXAMPLES = os.path.join(SHARED, "ambient", "examples")
GOLDEN = os.path.join(ROOT, "testdata", "ambient-apply")
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
PHASES = ["prepare", "bind", "enroll", "cleanup"]


def run(*args, cwd=None):
    return subprocess.run([TOOL, "ambient", *args], cwd=cwd, capture_output=True, text=True, check=False)


def tree(top):
    """All files below a directory but the records, by their relative names."""
    files = {}
    for folder, dirs, names in os.walk(top):
        if os.path.basename(folder) != ".istio-fix":
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    files[os.path.relpath(path, top)] = f.read()
    return files


def plant(top, files):
    for name, data in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="istio-fix-apply.")
        self.addCleanup(shutil.rmtree, self.top)

    def plant(self, files):
        plant(self.top, files)

    def ambient(self, *args, code=0):
        r = run(*args, self.top)
        self.assertEqual(r.returncode, code, r.stdout + r.stderr)
        return r

    def apply(self, phase, *args, code=0):
        return self.ambient("apply", "--phase", phase, "--all", "-i", *args, code=code)

    def same(self, want, got, what):
        self.assertEqual(sorted(want), sorted(got), what)
        for name in want:
            self.assertEqual(want[name].decode().splitlines(True), got[name].decode().splitlines(True),
                             "%s: %s" % (what, name))
            self.assertEqual(want[name], got[name], "%s: %s" % (what, name))


class Examples(Case):
    """The worked cases of the specification, read in place."""

    ARGS = {"09": ["--waypoint", "shared/platform-waypoints", "--bind", "namespace"]}
    # Their callers are not in the tree, or keep their sidecars.
    COMMON = ["--accept", "C38"]

    def setUp(self):
        super().setUp()
        if not os.path.isdir(EXAMPLES):
            self.skipTest("there is no %s" % os.path.relpath(EXAMPLES, ROOT))

    def example(self, number):
        [name] = [n for n in os.listdir(EXAMPLES) if n.startswith(number + "-")]
        return tree(os.path.join(EXAMPLES, name))

    def test_in_place(self):
        for number in "01 02 03 04 05 06 07 08 09 11 12 13 14 15".split():
            with self.subTest(number):
                files = self.example(number)
                self.plant({"m.yaml": files["before.yaml"]})
                self.apply("cutover", *self.COMMON, *self.ARGS.get(number, []), code=3 if number == "08" else 0)
                self.same({"m.yaml": files["after.yaml"]}, tree(self.top), number)
                if number == "08":
                    continue
                self.apply("cutover", *self.COMMON, *self.ARGS.get(number, []))
                self.same({"m.yaml": files["after.yaml"]}, tree(self.top), number + " again")
                self.ambient("rollback", "--phase", "cutover", "--all", "-i")
                self.same({"m.yaml": files["before.yaml"]}, tree(self.top), number + " back")
                self.assertFalse(os.path.exists(os.path.join(self.top, ".istio-fix")))

    def test_phases(self):
        files = self.example("06")
        states = [files["before.yaml"]] + [files["phases/%d-%s.yaml" % (i + 1, p)] for i, p in enumerate(PHASES)]
        self.plant({"m.yaml": states[0]})
        for i, phase in enumerate(PHASES):
            for _ in range(2):
                self.apply(phase, *self.COMMON)
                self.same({"m.yaml": states[i + 1]}, tree(self.top), phase)
        for i, phase in reversed(list(enumerate(PHASES))):
            self.ambient("rollback", "--phase", phase, "--all", "-i")
            self.same({"m.yaml": states[i]}, tree(self.top), phase)

    def test_rollback_of_enroll(self):
        """Its `before` is the namespace after enroll, its `after` the same one phase back."""
        files = self.example("10")
        self.plant({"m.yaml": files["after.yaml"]})
        self.apply("enroll", *self.COMMON)
        self.same({"m.yaml": files["before.yaml"]}, tree(self.top), "enroll")
        self.ambient("rollback", "--phase", "enroll", "--all", "-i")
        self.same({"m.yaml": files["after.yaml"]}, tree(self.top), "rollback")
        # Without the record nothing is guessed.
        self.plant({"m.yaml": files["before.yaml"]})
        r = self.ambient("rollback", "--phase", "enroll", "--all", "-i", code=3)
        self.assertIn("no record", r.stderr)
        self.same({"m.yaml": files["before.yaml"]}, tree(self.top), "no record")


class Golden(Case):
    def test_trees(self):
        for name in sorted(os.listdir(GOLDEN)):
            with self.subTest(name):
                shutil.rmtree(self.top)
                self.case(os.path.join(GOLDEN, name))

    def expect(self, case, phase, last):
        """The tree after a phase; where there is none the phase changes nothing."""
        folder = os.path.join(case, phase)
        if UPDATE:
            shutil.rmtree(folder, ignore_errors=True)
            got = tree(self.top)
            if got != last:
                plant(folder, got)
        return tree(folder) if os.path.isdir(folder) else last

    def notes(self, case, err):
        got = "".join(line.replace(self.top + "/", "") for line in err.splitlines(True) if ": note: " in line)
        path = os.path.join(case, "notes")
        if UPDATE:
            with open(path, "w", encoding="utf-8") as f:
                f.write(got)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(f.read().splitlines(), got.splitlines(), case)

    def case(self, case):
        start = tree(os.path.join(case, "start"))
        args = []
        if os.path.exists(os.path.join(case, "args")):
            with open(os.path.join(case, "args"), encoding="utf-8") as f:
                args = shlex.split(f.read(), comments=True)
        states = [start]
        self.plant(start)
        phases = ["cutover"] if os.path.exists(os.path.join(case, "cutover")) else PHASES
        if os.path.exists(os.path.join(case, "notes")):
            phases = PHASES[:1] + ["routes"] + PHASES[1:]
        for phase in phases:
            r = self.apply(phase, *args)
            if phase == "routes":
                self.notes(case, r.stderr)
            want = self.expect(case, phase, states[-1])
            self.same(want, tree(self.top), phase + "\n" + r.stdout + r.stderr)
            self.assertEqual(self.apply(phase, *args).stdout, "", phase + " again")
            self.same(want, tree(self.top), phase + " again")
            states.append(want)
        self.assertTrue(any(s != start for s in states), case)
        for i, phase in reversed(list(enumerate(phases))):
            if states[i] == states[i + 1]:
                continue
            self.ambient("rollback", "--phase", phase, "--all", "-i")
            self.same(states[i], tree(self.top), "rollback of " + phase)
        self.assertFalse(any(".istio-fix" in dirs for _, dirs, _ in os.walk(self.top)))


def namespace(name, label="istio-injection: enabled"):
    return "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n  labels:\n    %s\n" % (name, label)


ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
  namespace: a
spec:
  hosts: [web]
  http:
  - route:
    - destination: {host: web}
"""


def app(name, ns):
    return """\
apiVersion: v1
kind: Service
metadata:
  name: {0}
  namespace: {1}
spec:
  selector:
    app: {0}
  ports:
  - name: http
    port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {0}
  namespace: {1}
spec:
  selector:
    matchLabels:
      app: {0}
  template:
    metadata:
      labels:
        app: {0}
    spec:
      containers:
      - name: main
        image: registry.example.com/{0}:1
""".format(name, ns)


def policy(name, ns, rule='- to: [{operation: {methods: ["GET"]}}]', app_label="web"):
    return """\
# {0} of {1}
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {0}
  namespace: {1}
spec:
  selector:
    matchLabels:
      app: {3}
  rules:
  {2}
""".format(name, ns, rule, app_label)


FILTER = """\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: lua
  namespace: %s
spec:
  configPatches: []
"""
LEDGER = os.path.join(".istio-fix", "ambient.json")


class Behaviour(Case):
    def two(self):
        """A namespace that can go, and one that is blocked, in files of their own."""
        self.plant({"a/all.yaml": "---\n".join([namespace("a"), app("web", "a"), policy("read", "a")]),
                    "b/all.yaml": "---\n".join([namespace("b"), app("web", "b"), policy("read", "b"), FILTER % "b"])})
        return tree(self.top)

    def test_a_blocked_namespace_stays_and_the_others_go_on(self):
        before = self.two()
        r = self.apply("prepare", code=3)
        self.assertIn("[ambient/B01]", r.stderr)
        self.assertIn("1 held", r.stderr)
        after = tree(self.top)
        self.assertEqual(after["b/all.yaml"], before["b/all.yaml"])
        self.assertNotEqual(after["a/all.yaml"], before["a/all.yaml"])

    def test_strict_stops_all(self):
        before = self.two()
        r = self.apply("prepare", "--strict", code=3)
        self.assertIn("nothing is done", r.stderr)
        self.assertEqual(tree(self.top), before)
        self.assertFalse(os.path.exists(os.path.join(self.top, LEDGER)))

    def test_evidence_is_told(self):
        self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), policy("read", "a")])})
        r = self.apply("prepare")
        self.assertIn("evidence: P1, P2 and P3 hold for 1 workload", r.stderr)

    def test_nothing_is_skipped(self):
        self.two()
        before = tree(self.top)
        for phase, first in ("bind", "prepare"), ("enroll", "prepare"), ("cleanup", "enroll"):
            r = run("apply", "--phase", phase, "-n", "a", "-i", self.top)
            self.assertEqual(r.returncode, 3, r.stderr)
            self.assertIn("%s comes before %s" % (first, phase), r.stderr)
            self.assertEqual(tree(self.top), before)

    def test_routes_stay_for_who_else_writes_them(self):
        """A patch of an overlay, or a controller, would miss its VirtualService."""
        rollout = app("web", "a").split("---\n")[1].replace("kind: Deployment", "kind: Rollout").replace(
            "apps/v1", "argoproj.io/v1alpha1").replace("name: web", "name: next", 1)
        patch = "patches:\n- target: {kind: VirtualService}\n  patch: |\n    - {op: remove, path: /spec/http/0}\n"
        merge = ROUTE.replace("  hosts: [web]\n", "")
        for what, files in (
                ("a kustomization patches it", {"kustomization.yaml": "resources: [all.yaml]\n" + patch}),
                ("a kustomization patches it", {"kustomization.yaml": "resources: [all.yaml]\npatches: [path: p.yaml]\n",
                                                "p.yaml": merge}),
                ("a controller", {"rollout.yaml": rollout}),
                (None, {})):
            with self.subTest(what):
                shutil.rmtree(self.top)
                self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), ROUTE]), **files})
                self.apply("prepare")
                before = tree(self.top)
                r = self.apply("routes")
                if what:
                    self.assertIn("VirtualService web stays as it is: " + what, r.stderr)
                    self.assertEqual(tree(self.top), before)
                else:
                    self.assertIn(b"kind: HTTPRoute", tree(self.top)["all.yaml"])
                    self.assertNotIn(b"VirtualService web ", r.stderr.encode())

    def test_routes_come_behind_prepare(self):
        self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), ROUTE])})
        before = tree(self.top)
        self.assertIn("prepare comes before routes", self.apply("routes", code=3).stderr)
        self.assertEqual(tree(self.top), before)

    def test_nothing_is_written_unless_asked(self):
        before = self.two()
        r = run("apply", "--phase", "prepare", "-n", "a", self.top)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("a/all.yaml:39:1: prepare: add AuthorizationPolicy read-waypoint [a]", r.stdout)
        self.assertIn("1 namespace would change, 1 file", r.stderr)
        r = run("apply", "--phase", "prepare", "-n", "a", "-c", self.top)
        self.assertEqual((r.returncode, r.stdout), (1, self.top + "/a/all.yaml\n"))
        self.assertEqual(tree(self.top), before)

    def test_a_diff_does_what_writing_does(self):
        self.plant({"ns.yaml": namespace("a"), "app.yaml": app("web", "a"), "read.yaml": policy("read", "a"),
                    "side.yaml": "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata:\n  name: x\n  namespace: a\n"})
        for phase in PHASES:
            r = subprocess.run([TOOL, "ambient", "apply", "--phase", phase, "--all", "-d", "."], cwd=self.top,
                               capture_output=True, check=False)
            self.assertEqual(r.returncode, 1, r.stderr)
            copy = tempfile.mkdtemp(prefix="istio-fix-apply.")
            self.addCleanup(shutil.rmtree, copy)
            plant(copy, tree(self.top))
            subprocess.run(["git", "apply", "-"], input=r.stdout, cwd=copy, check=True)
            self.apply(phase)
            self.same(tree(self.top), tree(copy), phase)
        self.assertNotIn("side.yaml", tree(self.top))
        for phase in reversed(PHASES):
            self.ambient("rollback", "--phase", phase, "--all", "-i")
        self.assertIn("side.yaml", tree(self.top))

    def test_a_file_that_is_left_empty_is_listed_no_more(self):
        files = {"kustomization.yaml": "resources:\n- ns.yaml\n- side.yaml # soon\n- app.yaml\n", "ns.yaml": namespace("a"),
                 "app.yaml": app("web", "a"),
                 "side.yaml": "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata:\n  name: x\n  namespace: a\n"}
        self.plant(files)
        self.apply("enroll")
        self.apply("cleanup")
        now = tree(self.top)
        self.assertNotIn("side.yaml", now)
        self.assertEqual(now["kustomization.yaml"], b"resources:\n- ns.yaml\n- app.yaml\n")
        self.ambient("rollback", "--phase", "cleanup", "--all", "-i")
        self.ambient("rollback", "--phase", "enroll", "--all", "-i")
        self.same({k: v.encode() for k, v in files.items()}, tree(self.top), "back")

    def test_a_file_comes_back_into_a_directory_that_is_gone(self):
        files = {"kustomization.yaml": "resources:\n- ns.yaml\n- app.yaml\n- mesh/side/one.yaml\n", "ns.yaml": namespace("a"),
                 "app.yaml": app("web", "a"), "mesh/side/one.yaml":
                 "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata:\n  name: x\n  namespace: a\n"}
        self.plant(files)
        self.apply("enroll")
        for keep in (True, False):
            self.apply("cleanup")
            self.assertNotIn("mesh/side/one.yaml", tree(self.top))
            if not keep:  # as in a fresh clone
                shutil.rmtree(os.path.join(self.top, "mesh"))
            self.ambient("rollback", "--phase", "cleanup", "--all", "-i")
            self.assertEqual(tree(self.top)["mesh/side/one.yaml"].decode(), files["mesh/side/one.yaml"])

    def test_the_waypoint_is_excepted_from_external_checks(self):
        """While pods keep their sidecars, a CUSTOM policy must not ask about the waypoint where it asked about callers."""
        rule = '- from: [{source: {notNamespaces: ["web"]}}]\n    to: [{operation: {paths: ["/admin/*"]}}]'
        custom = policy("login", "a", rule).replace("spec:", "spec:\n  action: CUSTOM\n  provider: {name: sso}")
        self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), custom])})
        self.apply("prepare")
        self.apply("bind")
        self.assertIn(b'notNamespaces: ["web"], notPrincipals: ["cluster.local/ns/a/sa/waypoint"]', tree(self.top)["all.yaml"])

    def test_a_base_of_two_overlays_changes_for_both_or_not_at_all(self):
        files = {"base/kustomization.yaml": "resources:\n- ns.yaml\n- app.yaml\n- read.yaml\n",
                 "base/ns.yaml": namespace("a"), "base/app.yaml": app("web", "a"), "base/read.yaml": policy("read", "a"),
                 "dev/kustomization.yaml": "resources:\n- ../base\n",
                 "prod/kustomization.yaml": "resources:\n- ../base\n- filter.yaml\n", "prod/filter.yaml": FILTER % "a"}
        self.plant(files)
        before = tree(self.top)
        r = self.apply("prepare", code=3)
        self.assertIn("C40", r.stderr)
        self.assertEqual(tree(self.top), before)

    def test_a_wave_at_a_time(self):
        """b admits a, so a goes first."""
        rule = '- from: [{source: {principals: ["cluster.local/ns/a/sa/default"]}}]'
        self.plant({n + ".yaml": "---\n".join([namespace(n), app("web", n)] + ([policy("read", n, rule)] if n == "b" else []))
                    for n in "ab"})
        before = tree(self.top)
        # What is ambient has no wave any more: the next one is the first again.
        for name in "ab":
            r = run("apply", "--phase", "enroll", "--wave", "1", "-i", self.top)
            self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
            after = tree(self.top)
            self.assertEqual([n for n in after if after[n] != before[n]], [name + ".yaml"])
            before = after

    def test_names_that_are_taken(self):
        self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), app("waypoint", "a"), policy("read", "a")])})
        r = self.apply("prepare", code=3)
        self.assertIn("W35", r.stderr)
        self.apply("prepare", "--waypoint", "gate")
        self.assertIn(b"name: gate\n", tree(self.top)["all.yaml"])

    def test_part_of_a_service(self):
        self.plant({"all.yaml": "---\n".join([
            namespace("a"), app("web", "a"),
            app("web", "a").split("---\n")[1].replace("  name: web\n", "  name: web2\n", 1).replace(
                "        app: web\n", "        app: web\n        version: two\n"),
            policy("read", "a").replace("app: web", "version: two")])})
        before = tree(self.top)
        r = self.apply("prepare", code=3)
        self.assertIn("S28", r.stderr)
        self.assertEqual(tree(self.top), before)


class Rollback(Case):
    def prepared(self):
        self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), policy("read", "a")])})
        before = tree(self.top)
        self.apply("prepare")
        return before

    def back(self, phase="prepare", code=0):
        return self.ambient("rollback", "--phase", phase, "--all", "-i", code=code)

    def test_a_changed_file_is_left_alone(self):
        self.prepared()
        with open(os.path.join(self.top, "all.yaml"), "a", encoding="utf-8") as f:
            f.write("# later\n")
        changed = tree(self.top)
        r = self.back(code=3)
        self.assertIn("all.yaml: error: it has changed since; version control has the state before", r.stderr)
        self.assertEqual(tree(self.top), changed)

    def test_in_the_order_of_the_phases(self):
        self.prepared()
        self.apply("bind")
        now = tree(self.top)
        r = self.back(code=3)
        self.assertIn("bind was done after it; take that back first", r.stderr)
        self.assertEqual(tree(self.top), now)

    def test_check_and_diff(self):
        self.prepared()
        now = tree(self.top)
        self.assertEqual(self.ambient("rollback", "--phase", "prepare", "--all", "-c", code=1).stdout,
                         self.top + "/all.yaml\n")
        self.assertIn("-kind: Gateway", self.ambient("rollback", "--phase", "prepare", "--all", "-d", code=1).stdout)
        self.assertEqual(tree(self.top), now)

    def test_namespaces_that_share_a_file_go_together(self):
        self.plant({"all.yaml": "---\n".join([namespace("a"), app("web", "a"), policy("read", "a"), namespace("b"),
                                             app("web", "b"), policy("read", "b")])})
        before = tree(self.top)
        self.apply("prepare")
        r = run("rollback", "--phase", "prepare", "-n", "a", "-i", self.top)
        self.assertEqual(r.returncode, 3)
        self.assertIn("namespace 'b' shares files with it", r.stderr)
        self.back()
        self.assertEqual(tree(self.top), before)

    def test_twins_in_two_environments(self):
        """The same namespace with the same bytes in two places has two steps, not one told twice."""
        self.plant({"%s/%s" % (place, name): text for place in ("dev", "prod") for name, text in (
            ("kustomization.yaml", "resources: [ns.yaml]\n"), ("ns.yaml", namespace("a")))})
        before = tree(self.top)
        self.apply("enroll")
        self.assertNotEqual(tree(self.top)["prod/ns.yaml"], before["prod/ns.yaml"])
        self.back("enroll")
        self.same(before, tree(self.top), "back")

    def test_one_namespace_of_several(self):
        self.plant({n + ".yaml": "---\n".join([namespace(n), app("web", n), policy("read", n)]) for n in "ab"})
        before = tree(self.top)
        self.apply("prepare")
        after = tree(self.top)
        r = run("rollback", "--phase", "prepare", "-n", "a", "-i", self.top)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(tree(self.top), {"a.yaml": before["a.yaml"], "b.yaml": after["b.yaml"]})
        with open(os.path.join(self.top, LEDGER), encoding="utf-8") as f:
            self.assertEqual([s["namespaces"] for s in json.load(f)["steps"]], [["b"]])

    def hostile(self, change):
        """A record as a stranger may have written it: nothing changes but an exit code."""
        self.prepared()
        outside = tempfile.mkdtemp(prefix="istio-fix-apply.")
        self.addCleanup(shutil.rmtree, outside)
        plant(outside, {"victim.yaml": "kind: Victim\n"})
        path = os.path.join(self.top, LEDGER)
        with open(path, encoding="utf-8") as f:
            record = json.load(f)
        text = change(record, outside)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text if isinstance(text, str) else json.dumps(record))
        now = tree(self.top)
        r = run("rollback", "--phase", "prepare", "--all", "-i", self.top)
        self.assertIn(r.returncode, (2, 3), r.stdout + r.stderr)
        self.assertEqual(tree(self.top), now)
        self.assertEqual(tree(outside), {"victim.yaml": b"kind: Victim\n"})
        return r

    def created(self, step, path, text="x: 1\n"):
        step["files"] = {path: {"after": None, "before": hashlib.sha256(text.encode()).hexdigest(), "text": text}}

    def test_hostile_paths(self):
        def leave(record, outside):
            self.created(record["steps"][0], os.path.relpath(os.path.join(outside, "new.yaml"), self.top))
        self.hostile(leave)

    def test_hostile_absolute_path(self):
        self.hostile(lambda record, outside: self.created(record["steps"][0], os.path.join(outside, "new.yaml")))

    def test_hostile_names(self):
        self.hidden(".git/hooks/post-checkout")

    def test_hostile_hidden_directory(self):
        self.hidden(".github/workflows/new.yaml")

    def test_hostile_hidden_directory_below(self):
        self.hidden("apps/.hidden/new.yaml")

    def hidden(self, path):
        self.hostile(lambda record, _: self.created(record["steps"][0], path))
        self.assertFalse(os.path.exists(os.path.join(self.top, path.split("/")[0])))

    def test_hostile_victim(self):

        def remove(record, outside):
            digest = hashlib.sha256(b"kind: Victim\n").hexdigest()
            path = os.path.relpath(os.path.join(outside, "victim.yaml"), self.top)
            record["steps"][0]["files"] = {path: {"after": digest, "before": None}}
        self.hostile(remove)

    def test_hostile_link(self):
        def link(record, outside):
            os.symlink(outside, os.path.join(self.top, "sub"))
            self.created(record["steps"][0], "sub/new.yaml")
        self.prepared()
        outside = tempfile.mkdtemp(prefix="istio-fix-apply.")
        self.addCleanup(shutil.rmtree, outside)
        path = os.path.join(self.top, LEDGER)
        with open(path, encoding="utf-8") as f:
            record = json.load(f)
        link(record, outside)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(record, f)
        self.back(code=3)
        self.assertEqual(os.listdir(outside), [])

    def test_hostile_edits(self):
        def far(record, _):
            [file] = record["steps"][0]["files"].values()
            file["edits"] = [{"at": 10 ** 11, "length": 1, "text": "x"}]
        self.hostile(far)

    def test_hostile_text(self):
        def other(record, _):
            [file] = record["steps"][0]["files"].values()
            file["edits"][0]["text"] = "kind: Other\n"
        self.hostile(other)

    def test_hostile_syntax(self):
        for text in ("", "[]", "{}", "{\"steps\": {}, \"version\": 1}", "{\"steps\": [], \"version\": 2}", "[" * 5000,
                     "{\"steps\": [1], \"version\": 1}", "&a [*a]", "{\"steps\": [{\"phase\": \"prepare\"}], \"version\": 1}"):
            with self.subTest(text[:40]):
                shutil.rmtree(self.top)
                os.mkdir(self.top)
                self.hostile(lambda *_, text=text: text)

    def test_a_record_that_is_a_link(self):
        self.prepared()
        path = os.path.join(self.top, LEDGER)
        os.rename(path, os.path.join(self.top, "elsewhere"))
        os.symlink("../elsewhere", path)
        self.back(code=2)


class Random(Case):
    """Random trees: each phase is a fixed point and goes back to the byte; who is held stays as it was."""

    def rule(self, r):
        source = r.choice(['principals: ["cluster.local/ns/{n}/sa/web"]', 'notPrincipals: ["cluster.local/ns/{n}/sa/web"]',
                           'namespaces: ["{n}"]', 'notNamespaces: [{n}, b]', 'serviceAccounts: [{n}/web]',
                           'notServiceAccounts: ["{n}/web"]', 'ipBlocks: ["10.0.0.0/8"]', 'requestPrincipals: ["*"]',
                           'principals: ["*"]']).format(n=r.choice("abc"))
        operation = r.choice(['methods: ["GET"]', 'paths: ["/a/*"]', 'ports: ["80"]', 'notPaths: ["/x"]',
                              'ports: ["80"], methods: [POST]'])
        parts = []
        if r.random() < 0.7:
            parts.append("from: [{source: {%s}}]" % source)
        if r.random() < 0.6 or not parts:
            parts.append("to: [{operation: {%s}}]" % operation)
        if r.random() < 0.2:
            parts.append('when: [{key: source.namespace, notValues: ["c"]}]')
        return "- {%s}" % ", ".join(parts)

    def namespace(self, r, name):
        labels = r.choice(["istio-injection: enabled   # why", "istio.io/rev: blue", 'istio-injection: "enabled"'])
        docs = [namespace(name, labels)]
        for svc in ["web", "api"][:r.randint(1, 2)]:
            docs.append(app(svc, name))
        for i in range(r.randint(0, 3)):
            doc = policy("p%d" % i, name, self.rule(r), r.choice(["web", "api"]))
            action = r.choice(["ALLOW", "ALLOW", "DENY"])
            doc = doc.replace("spec:\n", "spec:\n  action: %s\n" % action)
            if r.random() < 0.3:
                doc = doc.replace("  selector:\n    matchLabels:\n      app: web\n", "").replace(
                    "  selector:\n    matchLabels:\n      app: api\n", "")
            docs.append(doc)
        if r.random() < 0.2:
            docs.append("apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata:\n  name: x\n  namespace: %s\n" % name)
        if r.random() < 0.15:
            docs.append(FILTER % name)
        head = docs[:1]
        rest = docs[1:]
        r.shuffle(rest)
        return head + rest

    def files(self, r):
        newline = r.choice(["\n", "\n", "\r\n"])
        files = {}
        for name in "abc"[:r.randint(1, 3)]:
            docs = self.namespace(r, name)
            if r.random() < 0.5:
                text = r.choice(["---\n", "\n---\n"]).join(docs)
                files[name + ".yaml"] = text[:-1] if r.random() < 0.2 else text
            else:
                files.update({"%s/%d.yaml" % (name, i): doc for i, doc in enumerate(docs)})
                if r.random() < 0.5:
                    files[name + "/kustomization.yaml"] = "resources:\n" + "".join("- %d.yaml\n" % i for i in range(len(docs)))
        return {k: v.replace("\n", newline).encode() for k, v in files.items()}

    def one(self, seed):
        r = random.Random(seed)
        shutil.rmtree(self.top)
        self.plant(self.files(r))
        args = ["--accept", "C38,W29"] + r.choice([[], ["--bind", "namespace"], ["--guard", "cleanup"], ["--restart", "--prune"]])
        states, done = [tree(self.top)], []
        for phase in PHASES:
            p = run("apply", "--phase", phase, "--all", "-i", *args, self.top)
            self.assertIn(p.returncode, (0, 3), p.stdout + p.stderr)
            self.assertNotIn("please report", p.stderr)
            states.append(tree(self.top))
            done.append(phase)
            q = run("apply", "--phase", phase, "--all", "-i", *args, self.top)
            self.assertIn(q.returncode, (0, 3), q.stdout + q.stderr)
            self.assertEqual(tree(self.top), states[-1], phase + " again")
            if phase == "enroll" and p.returncode == 0:
                for name, data in states[-1].items():
                    self.assertNotIn(b"istio-injection: enabled", data, name)
        for i, phase in reversed(list(enumerate(done))):
            if states[i] != states[i + 1]:
                self.ambient("rollback", "--phase", phase, "--all", "-i")
            self.same(states[i], tree(self.top), "rollback of " + phase)
        return states[0] != states[-1]

    def test_phases(self):
        n = int(os.environ.get("IFX_RANDOM_TREES", "12"))
        changed = 0
        for seed in range(n):
            with self.subTest(seed=seed):
                changed += self.one(seed)
        self.assertGreater(changed, n // 3)


class Usage(unittest.TestCase):
    def test_errors(self):
        for args, what in [
                (["apply", "--all"], "say which phase"),
                (["apply", "--phase", "prepare"], "say for which namespaces"),
                (["apply", "--phase", "prepare", "--all", "-n", "x"], "exclude each other"),
                (["apply", "--phase", "route", "--all"], "not 'route'"),
                (["apply", "--phase", "prepare", "--wave", "0"], "--wave wants a number"),
                (["apply", "--phase", "prepare", "--all", "--guard", "never"], "--guard is"),
                (["rollback", "--all"], "say which phase"),
                (["rollback", "--phase", "enroll"], "say for which namespaces")]:
            with self.subTest(args=args):
                r = run(*args, ".")
                self.assertEqual(r.returncode, 2)
                self.assertIn(what, r.stderr)

    def test_help(self):
        for verb in "apply", "rollback":
            r = run(verb, "--help")
            self.assertEqual(r.returncode, 0)
            self.assertIn("--phase", r.stdout)


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("ISTIO_FIX does not name the tool; skipped", file=sys.stderr)
        sys.exit(77)
    unittest.main()
