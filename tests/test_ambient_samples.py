#!/usr/bin/env python3
"""The sample applications of Istio (../shared/corpus), moved to ambient mode as a user would.

Read in place and copied; a Namespace is put beside them, as the guides do with `kubectl label`. What has to come out is
what a maintainer would write by hand, and nothing else.

Environment: ISTIO_FIX, ISTIO_FIX_SHARED. Exit 77: skipped.
"""
import difflib
import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

shared.need_yaml()
from mesh import authorization as mesh  # noqa: E402
from mesh import trees  # noqa: E402

TOOL = shared.tool()
SAMPLES = shared.need("corpus", "istio__istio")
PHASES = ["prepare", "bind", "enroll", "cleanup"]
NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: app
  labels:
    istio-injection: enabled # by the mesh team
"""
POLICIES = """\
# Browsers come through the gateway and only read.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: productpage-viewer
spec:
  selector:
    matchLabels:
      app: productpage
  action: ALLOW
  rules:
  - to:
    - operation:
        methods: ["GET"]   # the page has no forms
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: reviews-viewer
spec:
  selector:
    matchLabels:
      app: reviews
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/app/sa/bookinfo-productpage"]
    to:
    - operation:
        methods: ["GET"]
        ports: ["9080"]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: details-callers
spec:
  selector:
    matchLabels:
      app: details
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/app/sa/bookinfo-productpage"]
"""


class Sample(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="istio-fix-samples.")
        self.addCleanup(shutil.rmtree, self.top)
        self.add("namespace.yaml", NAMESPACE.encode())

    def add(self, name, data):
        with open(os.path.join(self.top, name), "wb") as f:
            f.write(data)

    def take(self, path):
        found = sorted(os.path.join(d, os.path.basename(path)) for d, _, names in os.walk(SAMPLES)
                       if os.path.basename(path) in names and d.endswith(os.path.dirname(path)))
        if not found:
            self.skipTest("the corpus has no %s" % path)
        with open(found[0], "rb") as f:
            self.add(os.path.basename(path), f.read())

    def ambient(self, *args, codes=(0,)):
        r = shared.run([TOOL, "ambient", *args, "--default-namespace", "app", "."], cwd=self.top)
        text = (r.stdout + r.stderr).decode()
        self.assertIn(r.returncode, codes, text)
        return text

    def apply(self, phase, code=0):
        return self.ambient("apply", "--phase", phase, "--all", "-i", codes=(code,))

    def files(self):
        return {p: b for p, b in shared.files(self.top).items() if not p.startswith(".istio-fix")}

    def changed(self, before, after):
        """{file: lines of a diff without context and headers}"""
        out = {}
        for path in sorted(set(before) | set(after)):
            lines = [before.get(path, b"").decode().splitlines(), after.get(path, b"").decode().splitlines()]
            diff = [d for d in difflib.unified_diff(*lines, n=0, lineterm="")][2:]
            if diff:
                out[path] = [d for d in diff if not d.startswith("@@")]
        return out

    def world(self):
        objects = trees.load(self.top, ".", None)
        for o in objects:
            if o["kind"] != "Namespace":
                o["metadata"].setdefault("namespace", "app")
        return mesh.World(objects)

    def held(self, path, finding):
        self.take(path)
        before = self.files()
        self.assertIn("[ambient/%s]" % finding, self.ambient("plan", codes=(3,)))
        for phase in PHASES:
            self.apply(phase, code=3)
        self.assertEqual(self.files(), before)

    def back(self, before):
        for phase in reversed(PHASES):  # 3: the phase had nothing to do
            self.ambient("rollback", "--phase", phase, "--all", "-i", codes=(0, 3))
        self.assertEqual(self.files(), before)
        self.assertFalse(os.path.exists(os.path.join(self.top, ".istio-fix")))

    LABEL = {"namespace.yaml": ["-    istio-injection: enabled # by the mesh team",
                                "+    istio.io/dataplane-mode: ambient # by the mesh team"]}

    def test_helloworld(self):
        """Nothing of Layer 7: one label."""
        self.take("samples/helloworld/helloworld.yaml")
        before = self.files()
        for phase in PHASES:
            self.apply(phase)
        self.assertEqual(self.changed(before, self.files()), self.LABEL)
        self.back(before)

    def test_bookinfo(self):
        self.take("samples/bookinfo/platform/kube/bookinfo.yaml")
        before = self.files()
        for phase in PHASES:
            self.apply(phase)
        self.assertEqual(self.changed(before, self.files()), self.LABEL)
        self.back(before)

    def test_bookinfo_with_a_fault(self):
        """A route of the mesh: its Service is bound, the VirtualService stays, nothing else changes."""
        self.take("samples/bookinfo/platform/kube/bookinfo.yaml")
        self.take("samples/bookinfo/networking/virtual-service-ratings-test-abort.yaml")
        before = self.files()
        for phase in PHASES:
            self.apply(phase)
        changed = self.changed(before, self.files())
        self.assertEqual(sorted(changed), ["bookinfo.yaml", "namespace.yaml"])
        self.assertEqual([c for c in changed["bookinfo.yaml"] if c.startswith("-")], [])
        self.assertIn("+    istio.io/use-waypoint: waypoint", changed["bookinfo.yaml"])
        self.assertEqual(sum("kind: " in c for c in changed["bookinfo.yaml"]), 1)  # the Gateway
        self.back(before)

    def test_bookinfo_with_policies(self):
        self.take("samples/bookinfo/platform/kube/bookinfo.yaml")
        self.add("policies.yaml", POLICIES.encode())
        start, before = self.world(), self.files()
        for phase in PHASES:
            self.apply(phase)
            self.judge(phase, start, self.world())
        world = self.world()
        bound = {s["metadata"]["name"] for s in world.services if world.waypoint(s)}
        self.assertEqual(bound, {"productpage", "reviews"})
        names = {p["metadata"]["name"] for p in world.policies}
        self.assertEqual(names, {"productpage-viewer-waypoint", "reviews-viewer-waypoint", "details-callers",
                                 "productpage-from-waypoint", "reviews-from-waypoint"})
        # What stays is as it was, comments are where they were or in the copy.
        text = self.files()["policies.yaml"].decode()
        self.assertIn(POLICIES[POLICIES.rindex("---"):], text)
        for comment in ("# Browsers come through the gateway and only read.", "# the page has no forms"):
            self.assertEqual(text.count(comment), 1)
        self.back(before)

    def judge(self, phase, before, after):
        """Everybody to everything, by the model of the tests."""
        callers = [mesh.Caller("app", "bookinfo-productpage", "10.0.0.1", m) for m in ("ambient", "outside")] + \
            [mesh.Caller("other", "default", "10.0.0.1", "ambient")]
        for service in before.services:
            now = next(s for s in after.services if s["metadata"]["name"] == service["metadata"]["name"])
            for caller in callers:
                for method in ("GET", "POST"):
                    request = mesh.Request(method, "/", "x", {}, None)
                    a, b = (w.decide(caller, s, 9080, request) for w, s in ((before, service), (after, now)))
                    for pod in a:
                        what = (phase, caller, pod, method, a[pod], b[pod])
                        self.assertFalse(mesh.looser(a[pod], b[pod]), what)
                        if caller.mode == "ambient":
                            self.assertTrue(mesh.same(a[pod], b[pod]), what)

    def test_sleep_with_spire(self):
        self.held("samples/security/spire/sleep-spire.yaml", "B03")

    def test_bookinfo_that_was_injected(self):
        self.held("samples/bookinfo/bookinfo-injected.yaml", "B13")


if __name__ == "__main__":
    unittest.main()
