#!/usr/bin/env python3
"""`istio-fix ambient plan`: every finding fires where it must and stays silent where it must; environments, waves,
sums, output and exit codes.

    test_ambient_plan.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import shared  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.path.abspath(os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix"))


# ---- manifests in few words ----

def doc(api, kind, name, namespace="shop", spec=None, labels=None, annotations=None, **more):
    meta = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    if labels:
        meta["labels"] = labels
    if annotations:
        meta["annotations"] = annotations
    return dict(apiVersion=api, kind=kind, metadata=meta, **({"spec": spec} if spec is not None else {}), **more)


def ns(name="shop", labels=None):
    return doc("v1", "Namespace", name, None, labels=labels or {"istio-injection": "enabled"})


def pods(name="web", namespace="shop", kind="Deployment", labels=None, annotations=None, container=None, init=None,
         replicas=None, matches=None, **spec):
    labels = dict({"app": name}, **(labels or {}))
    template = {"metadata": {"labels": labels}, "spec": dict({"containers": [dict({"name": "app", "image": "app:1"},
                                                                                 **(container or {}))]}, **spec)}
    if annotations:
        template["metadata"]["annotations"] = annotations
    if init:
        template["spec"]["initContainers"] = [dict({"name": "init", "image": "init:1"}, **init)]
    body = {"selector": {"matchLabels": matches or {"app": name}}, "template": template}
    if replicas is not None:
        body["replicas"] = replicas
    return doc("apps/v1", kind, name, namespace, body)


def svc(name="web", namespace="shop", selector=None, labels=None, **spec):
    return doc("v1", "Service", name, namespace,
               dict({"selector": {"app": name} if selector is None else selector,
                     "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}, **spec), labels=labels)


def istio(kind, name, spec, namespace="shop", **more):
    group = {"AuthorizationPolicy": "security", "PeerAuthentication": "security", "RequestAuthentication": "security",
             "Telemetry": "telemetry", "WasmPlugin": "extensions"}.get(kind, "networking")
    version = "v1alpha3" if kind == "EnvoyFilter" else "v1"
    return doc("%s.istio.io/%s" % (group, version), kind, name, namespace, spec, **more)


def policy(name="p", namespace="shop", selector=None, action="ALLOW", rules=None, **more):
    spec = {"action": action}
    if selector is not None:
        spec["selector"] = {"matchLabels": selector}
    if rules is not None:
        spec["rules"] = rules
    return istio("AuthorizationPolicy", name, spec, namespace, **more)


GET = [{"to": [{"operation": {"methods": ["GET"]}}]}]
BASE = [ns(), pods(), svc()]


def noted(key, value):
    return [ns(), pods(annotations={key: value}), svc()]


def filtered(**spec):
    return BASE + [istio("EnvoyFilter", "f", dict({"configPatches": [{"applyTo": "HTTP_FILTER", "match": {
        "context": "SIDECAR_INBOUND"}}]}, **spec))]


def destination(host, namespace="shop", **policy_):
    return istio("DestinationRule", "d", {"host": host, "trafficPolicy": policy_}, namespace)


def route(host="web", namespace="shop", match=None, **more):
    rule = {"route": [{"destination": {"host": host}}]}
    if match:
        rule["match"] = [match]
    return istio("VirtualService", "v", dict({"hosts": [host], "http": [rule]}, **more), namespace)


def netpol(ports, **more):
    return doc("networking.k8s.io/v1", "NetworkPolicy", "n", spec=dict({"podSelector": {}, "ingress": [
        {"ports": ports}]}, **more))


def values(**v):
    return v


TWO = [ns(), ns("caller"), pods(), svc(), pods("c", "caller")]
FROM_CALLER = policy(selector={"app": "web"}, rules=[{
    "from": [{"source": {"principals": ["cluster.local/ns/caller/sa/default"]}}],
    "to": [{"operation": {"methods": ["GET"]}}]}])
VM = istio("WorkloadEntry", "vm", {"address": "10.0.0.1", "serviceAccount": "vm"}, "caller")

# id: (documents where it fires, documents where it is silent)
CASES = {
    "B01": (filtered(workloadSelector={"labels": {"app": "web"}}), filtered(workloadSelector={"labels": {"app": "x"}})),
    "B02": (BASE + [istio("WorkloadEntry", "e", {"address": "10.0.0.1", "serviceAccount": "vm"})],
            BASE + [istio("WorkloadEntry", "e", {"address": "10.0.0.1"})]),
    "B03": ([ns(), pods(volumes=[{"name": "s", "csi": {"driver": "csi.spiffe.io"}}])],
            [ns(), pods(volumes=[{"name": "s", "csi": {"driver": "efs.csi.aws.com"}}])]),
    "B04": (BASE + [values(istiodRemote={"enabled": True})], BASE + [values(istiodRemote={"enabled": False})]),
    "W05": (BASE + [values(**{"global": {"network": "n1"}})], BASE + [values(**{"global": {"network": ""}})]),
    "B06": (BASE + [istio("PeerAuthentication", "a", {"mtls": {"mode": "DISABLE"}})],
            BASE + [istio("PeerAuthentication", "a", {"mtls": {"mode": "STRICT"}})]),
    "W07": (BASE + [istio("PeerAuthentication", "a", {"selector": {"matchLabels": {"app": "web"}}, "portLevelMtls": {
        "8081": {"mode": "DISABLE"}}})],
            BASE + [istio("PeerAuthentication", "a", {"selector": {"matchLabels": {"app": "web"}}, "portLevelMtls": {
                "8081": {"mode": "PERMISSIVE"}}})]),
    "S08": (noted("traffic.sidecar.istio.io/excludeInboundPorts", "9145"),
            noted("traffic.sidecar.istio.io/includeInboundPorts", "*")),
    "W09": (noted("traffic.sidecar.istio.io/excludeOutboundIPRanges", "10.0.0.0/8"),
            noted("traffic.sidecar.istio.io/includeOutboundIPRanges", "*")),
    "I10": (noted("traffic.sidecar.istio.io/kubevirtInterfaces", "net1"),
            noted("istio.io/reroute-virtual-interfaces", "net1")),
    "I11": ([ns(), pods(hostNetwork=True)], [ns(), pods(hostNetwork=False)]),
    "W12": ([ns(), pods(), pods("old", labels={"sidecar.istio.io/inject": "false"})],
            [ns(), pods(), pods("old", labels={"sidecar.istio.io/inject": "false",
                                               "istio.io/dataplane-mode": "none"})]),
    "B13": ([ns(), pods(init={"name": "istio-init", "image": "proxyv2"})],
            [ns(), pods(annotations={"inject.istio.io/templates": "gateway"},
                        container={"name": "istio-proxy", "image": "auto"})]),
    "B14": ([ns(), pods(container={"command": ["sh", "-c", "until curl -f localhost:15021/healthz/ready; do :; done"]})],
            [ns(), pods(container={"command": ["sh", "-c", "curl localhost:8080/healthz/ready"]})]),
    "S15": ([ns(), pods(container={"command": ["sh", "-c", "run && curl -X POST localhost:15020/quitquitquit"]})],
            [ns(), pods(container={"command": ["sh", "-c", "run && quit"]})]),
    "W16": (noted("prometheus.io/scrape", "true"), noted("prometheus.io/scrape", "false")),
    "I17": (noted("sidecar.istio.io/rewriteAppHTTPProbers", "true"), BASE),
    "W18": ([ns(), pods(), svc(clusterIP="None"), policy(selector={"app": "web"}, rules=GET)],
            [ns(), pods(), svc(clusterIP="None")]),
    "W19": ([ns(), pods(), svc("ext", selector={}, type="ExternalName", externalName="x.example"), route("ext")],
            [ns(), pods(), svc("ext", selector={}, type="ExternalName", externalName="x.example")]),
    "W20": (BASE + [istio("ServiceEntry", "e", {"hosts": ["*.example.com"], "resolution": "DNS"})],
            BASE + [istio("ServiceEntry", "e", {"hosts": ["a.example.com"], "resolution": "DNS", "exportTo": ["*"]})]),
    "S21": (BASE + [destination("api.example.com", tls={"mode": "SIMPLE"})],
            BASE + [destination("api.example.com", tls={"mode": "SIMPLE"}),
                    istio("ServiceEntry", "e", {"hosts": ["api.example.com"], "resolution": "DNS"},
                          labels={"istio.io/use-waypoint": "egress"})]),
    "S22": (BASE + [istio("Sidecar", "s", {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}})],
            BASE + [istio("Sidecar", "s", {"outboundTrafficPolicy": {"mode": "ALLOW_ANY"}})]),
    "W23": (BASE + [istio("Sidecar", "s", {"egress": [{"hosts": ["./*"]}]})], BASE),
    "B24": (BASE + [istio("Sidecar", "s", {"ingress": [{"port": {"number": 9080}, "defaultEndpoint": "127.0.0.1:8080"}]})],
            BASE + [istio("Sidecar", "s", {"ingress": [{"port": {"number": 9080}, "defaultEndpoint": "0.0.0.0:9080"}]})]),
    "W25": (TWO + [route("web.shop.svc.cluster.local", "caller")], TWO + [route("web.shop.svc.cluster.local")]),
    "W26": (BASE + [route(match={"sourceLabels": {"app": "x"}})], BASE + [route(match={"method": {"exact": "GET"}})]),
    "S27": (BASE + [values(meshConfig={"trustDomain": "corp.example"}), policy(selector={"app": "web"}, rules=[
        {"from": [{"source": {"principals": ["cluster.local/ns/x/sa/y"]}}]}])],
            BASE + [values(meshConfig={"trustDomain": "corp.example"}), policy(selector={"app": "web"}, rules=[
                {"from": [{"source": {"principals": ["corp.example/ns/x/sa/y"]}}]}])]),
    "S28": ([ns(), pods(labels={"tier": "a"}), pods("web2", labels={"app": "web", "tier": "b"}), svc(),
             policy(selector={"tier": "a"}, rules=GET)],
            [ns(), pods(labels={"tier": "a"}), pods("web2", labels={"app": "web", "tier": "a"}), svc(),
             policy(selector={"tier": "a"}, rules=GET)]),
    "W29": (BASE + [policy(selector={"app": "web"}, rules=[{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}],
                                                            "to": [{"operation": {"methods": ["GET"]}}]}])],
            BASE + [policy(selector={"app": "web"}, rules=[{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}])]),
    "W30": (noted("proxy.istio.io/config", "drainDuration: 5s\n"), BASE),
    "W31": (BASE + [doc("flagger.app/v1beta1", "Canary", "c", spec={"provider": "istio"})],
            BASE + [doc("flagger.app/v1beta1", "Canary", "c", spec={"provider": "gatewayapi:v1"})]),
    "W32": (BASE + [netpol([{"port": 15008}], ingress=[{"from": [{"namespaceSelector": {"matchLabels": {
        "istio-injection": "enabled"}}}]}])],
            BASE + [netpol([{"port": 15008}], ingress=[{"from": [{"namespaceSelector": {"matchLabels": {
                "kubernetes.io/metadata.name": "shop"}}}]}])]),
    "W33": (BASE + [netpol([{"port": 8080, "protocol": "TCP"}])],
            BASE + [netpol([{"port": 8080}, {"port": 15000, "endPort": 15010}])]),
    "W34": ([ns(), pods(init={"securityContext": {"runAsUser": 1337}})],
            [ns(), pods(init={"securityContext": {"runAsUser": 1000}})]),
    "W35": (BASE + [svc("waypoint"), policy(selector={"app": "web"}, rules=GET)], BASE + [svc("waypoint")]),
    "W36": (BASE + [policy(rules=[{}], annotations={"istio.io/dry-run": "true"})], BASE + [policy(rules=[{}])]),
    "W37": (BASE + [destination("web", loadBalancer={"consistentHash": {"httpHeaderName": "x"}})],
            BASE + [destination("web", loadBalancer={"simple": "LEAST_REQUEST"})]),
    "C38": (TWO + [FROM_CALLER, VM], TWO + [FROM_CALLER]),
    "C39": ([ns(), pods(labels={"sidecar.istio.io/inject": "true"}, matches={"app": "web",
                                                                           "sidecar.istio.io/inject": "true"})],
            [ns(), pods(labels={"sidecar.istio.io/inject": "true"})]),
    # C40 needs two overlays; see test_shared_base.
}
HOLDS = {"B01", "B02", "B03", "B04", "W05", "B06", "B13", "B14", "S15", "W18", "S21", "S22", "B24", "S28", "W32", "W35",
         "C38", "C39"}
REMEDIED = {"W07", "S08", "W12", "S27", "W33"}


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="istio-fix-plan.")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def write(self, path, docs):
        path = os.path.join(self.dir, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            if isinstance(docs, str):
                f.write(docs)
            else: # JSON is YAML
                f.write("".join("---\n%s\n" % json.dumps(d) for d in docs))

    def read_all(self):
        found = {}
        for directory, _, names in os.walk(self.dir):
            for name in names:
                with open(os.path.join(directory, name), "rb") as f:
                    found[directory, name] = f.read()
        return found

    def run_tool(self, *args, paths=(".",)):
        return subprocess.run([TOOL, "ambient", "plan", *args, *paths], cwd=self.dir, capture_output=True, text=True,
                              check=False)

    def plan(self, *args, code=None, paths=(".",)):
        run = self.run_tool("-f", "json", *args, paths=paths)
        self.assertIn(run.returncode, (0, 1, 3) if code is None else (code,), run.stdout + run.stderr)
        return json.loads(run.stdout)

    def one(self, plan, name="shop", environment=None):
        found = [n for e in plan["environments"] for n in e["namespaces"]
                 if n["name"] == name and environment in (None, e["name"])]
        self.assertEqual(len(found), 1, plan)
        return found[0]

    @staticmethod
    def findings(plan):
        return [f for e in plan["environments"] for n in [e, *e["namespaces"]] for f in n["findings"]]

    def ids(self, plan):
        return {f["id"] for f in self.findings(plan)}


class Findings(Case):
    def test_every_id_has_a_case(self):
        with open(os.path.join(ROOT, "src", "ambient", "finding.def"), encoding="utf-8") as f:
            ids = set(re.findall(r"^FINDING\((\w+),", f.read(), re.M))
        self.assertEqual(ids, set(CASES) | {"C40"})
        self.assertEqual(len(ids), 40)

    def test_each(self):
        for finding, (fires, silent) in CASES.items():
            with self.subTest(finding):
                self.write("tree.yaml", fires)
                plan = self.plan()
                mine = [f for f in self.findings(plan) if f["id"] == finding]
                self.assertTrue(mine, plan)
                for f in mine:
                    self.assertEqual((f["file"], f["source"][:8]), ("tree.yaml", "https://"))
                    self.assertGreater(f["line"], 0)
                    self.assertTrue(f["reason"])
                self.assertEqual(any(f["holds"] for f in mine), finding in HOLDS, mine)
                self.assertEqual(any(f["settled"] == "remedied" for f in mine), finding in REMEDIED, mine)
                self.write("tree.yaml", silent)
                self.assertNotIn(finding, self.ids(self.plan()))

    def test_only_namespaces_with_sidecars(self):
        for labels in ({"istio-injection": "disabled"}, {"istio.io/dataplane-mode": "ambient"}, {"team": "a"}):
            with self.subTest(labels):
                self.write("tree.yaml", [ns(labels=labels), *CASES["B01"][0][1:]])
                self.assertEqual(self.ids(self.plan(code=0)), set())

    def test_more_ways_to_fire(self):
        for finding, docs in (
                ("B01", filtered()),
                ("B02", BASE + [istio("WorkloadGroup", "g", {})]),
                ("B03", [ns(), pods(labels={"spiffe.io/spire-managed-identity": "true"})]),
                ("B04", [doc("v1", "Namespace", "istio-system", None,
                             annotations={"topology.istio.io/controlPlaneClusters": "c2"}), *BASE]),
                ("W05", BASE + [doc("v1", "Secret", "s", "istio-system", labels={"istio/multiCluster": "true"})]),
                ("B06", BASE + [istio("PeerAuthentication", "m", {"mtls": {"mode": "DISABLE"}}, "istio-system")]),
                ("B13", noted("sidecar.istio.io/status", "{}")),
                ("B14", [ns(), pods(volumes=[{"name": "v", "configMap": {"name": "scripts"}}]),
                         doc("v1", "ConfigMap", "scripts", data={"start.sh": "wait-for localhost:15020\n"})]),
                ("S15", [ns(), pods(container={"lifecycle": {"preStop": {"httpGet": {"port": 1, "path": "x"}, "exec": {
                    "command": ["curl", "http://127.0.0.1:15000/quitquitquit"]}}}})]),
                ("W16", BASE + [doc("monitoring.coreos.com/v1", "PodMonitor", "m", "monitoring", {
                    "podMetricsEndpoints": [{"port": "http-envoy-prom"}]})]),
                ("S22", BASE + [values(meshConfig={"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}})]),
                ("S28", BASE + [policy(selector={"app": "worker"}, rules=GET)]),
                ("S28", BASE + [policy(selector={"app": "web"}, rules=[{"to": [{"operation": {"verbs": ["GET"]}}]}])]),
                ("W31", [ns(), doc("argoproj.io/v1alpha1", "Rollout", "r", spec={"strategy": {"canary": {
                    "trafficRouting": {"istio": {}}}}, "template": {"metadata": {"labels": {"app": "r"}}}})]),
                ("W33", BASE + [netpol([], ingress=[], egress=[{"ports": [{"port": 5432}]}])]),
        ):
            with self.subTest(finding):
                self.write("tree.yaml", docs)
                self.assertIn(finding, self.ids(self.plan()))

    def test_b06_of_a_callee(self):
        self.write("tree.yaml", TWO + [route("web.shop.svc.cluster.local", "caller"),
                                       istio("PeerAuthentication", "a", {"mtls": {"mode": "DISABLE"}})])
        self.assertIn("B06", {f["id"] for f in self.one(self.plan(), "caller")["findings"]})

    def test_gateway_policies_stay(self):
        self.write("tree.yaml", [ns(), pods("gw", annotations={"inject.istio.io/templates": "gateway"},
                                            container={"image": "auto"}), svc("gw"),
                                 policy(selector={"app": "gw"}, rules=GET)])
        shop = self.one(self.plan(code=0))
        self.assertEqual((shop["needsWaypoint"], shop["restart"]), ([], []))


class Residue(Case):
    def residue(self, *docs):
        self.write("tree.yaml", BASE + list(docs))
        found = [f for f in self.findings(self.plan()) if f["id"] == "W32"]
        return [f["holds"] for f in found]

    def test_what_holds(self):
        selector = {"matchExpressions": [{"key": "istio-injection", "operator": "In", "values": ["enabled"]}]}
        self.assertEqual(self.residue(values(meshConfig={"discoverySelectors": [selector]})), [True])
        self.assertEqual(self.residue(doc("v1", "ConfigMap", "istio", "istio-system", data={
            "mesh": "discoverySelectors:\n- matchLabels:\n    istio-injection: enabled\n"})), [True])
        self.assertEqual(self.residue(doc("kyverno.io/v1", "ClusterPolicy", "add", None, {"rules": [{"mutate": {
            "patchStrategicMerge": {"metadata": {"labels": {"+(istio-injection)": "enabled"}}}}}]})), [True])
        self.assertEqual(self.residue(doc("argoproj.io/v1alpha1", "Application", "app", "argocd", {
            "destination": {"namespace": "shop"}, "syncPolicy": {"managedNamespaceMetadata": {
                "labels": {"istio-injection": "enabled"}}}})), [True])

    def test_what_warns(self):
        other = {"matchLabels": {"istio-injection": "enabled", "team": "other"}}
        self.assertEqual(self.residue(values(meshConfig={"discoverySelectors": [other]})), [False])
        self.assertEqual(self.residue(doc("argoproj.io/v1alpha1", "Application", "app", "argocd", {
            "destination": {"namespace": "other"}, "syncPolicy": {"managedNamespaceMetadata": {
                "labels": {"istio-injection": "enabled"}}}})), [False])

    def test_what_is_none(self):
        self.assertEqual(self.residue(doc("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration",
                                          "istio-sidecar-injector", None, webhooks=[{"namespaceSelector": {
                                              "matchLabels": {"istio-injection": "enabled"}}}])), [])
        self.assertEqual(self.residue(doc("gateway.networking.k8s.io/v1", "Gateway", "waypoint", labels={
            "istio.io/rev": "x"}, spec={"gatewayClassName": "istio-waypoint"})), [])

    def test_only_enroll_is_held(self):
        self.write("tree.yaml", CASES["W32"][0])
        shop = self.one(self.plan(code=3))
        self.assertEqual((shop["held"], shop["enrollHeld"]), (False, True))

    def test_kustomize_labels(self):
        self.write("ns.yaml", [ns(labels={"team": "a"})])
        self.write("app.yaml", [pods(), svc()])
        self.write("kustomization.yaml",
                   "resources: [ns.yaml, app.yaml]\nlabels:\n- pairs:\n    istio-injection: enabled\n")
        plan = self.plan(code=3)
        self.assertEqual(self.one(plan)["by"], "label")
        self.assertEqual([f["file"] for f in self.findings(plan) if f["id"] == "W32"], ["kustomization.yaml"])


class Patches(Case):
    def state(self, kustomization, labels=None, **files):
        self.write("base/ns.yaml", [ns(labels=labels or {"team": "a"}), pods()])
        for name, text in files.items():
            self.write(name + ".yaml", text)
        self.write("kustomization.yaml", "resources: [base/ns.yaml]\n" + kustomization)
        return self.one(self.plan())["why"]

    def test_inline_merge(self):
        patch = "apiVersion: v1\n    kind: Namespace\n    metadata:\n      name: %s\n      labels: {istio.io/rev: x}\n"
        self.assertEqual(self.state("patches:\n- patch: |\n    " + patch % "shop"), "istio.io/rev: x")
        self.assertEqual(self.state("patches:\n- patch: |\n    " + patch % "other"), "no label")
        self.assertEqual(self.state("patches:\n- target: {kind: Namespace}\n  patch: |\n    " + patch % "any"),
                         "istio.io/rev: x")
        self.assertEqual(self.state("patchesStrategicMerge:\n- |\n    " + patch % "shop"), "istio.io/rev: x")

    def test_json_patch(self):
        ops = "- op: add\n    path: /metadata/labels/istio.io~1rev\n    value: x\n"
        self.assertEqual(self.state("patches:\n- target: {kind: Namespace, name: shop}\n  patch: |\n    %s" %
                                    ops.replace("\n", "\n  ")), "istio.io/rev: x")
        self.assertEqual(self.state("patches:\n- target: {kind: Deployment}\n  patch: |\n    %s" %
                                    ops.replace("\n", "\n  ")), "no label")
        self.assertEqual(self.state("patches:\n- target: {kind: Namespace}\n  path: p.yaml\n",
                                    p="- {op: add, path: /metadata/labels/istio-injection, value: enabled}\n"),
                         "istio-injection: enabled")
        self.assertEqual(self.state("patches:\n- target: {kind: Namespace}\n  path: p.yaml\n",
                                    labels={"istio-injection": "enabled"},
                                    p="- {op: remove, path: /metadata/labels/istio-injection}\n"), "no label")

    def test_inline_label_holds_enroll(self):
        self.write("ns.yaml", [ns(labels={"team": "a"}), pods()])
        self.write("kustomization.yaml", "resources: [ns.yaml]\npatches:\n- target: {kind: Namespace}\n  patch: "
                   "'[{op: add, path: /metadata/labels/istio-injection, value: enabled}]'\n")
        plan = self.plan(code=3)
        self.assertEqual([(f["id"], f["onlyEnroll"]) for f in self.one(plan)["findings"]], [("W32", True)])

    def test_label_of_a_json_patch_holds_enroll(self):
        self.state("patches:\n- target: {kind: Namespace}\n  path: p.yaml\n",
                   p="- {op: add, path: /metadata/labels/istio-injection, value: enabled}\n")
        found = self.one(self.plan(code=3))["findings"]
        self.assertEqual([(f["id"], f["file"], f["onlyEnroll"]) for f in found],
                         [("W32", "kustomization.yaml", True)])

    def test_pods(self):
        self.assertEqual(self.state("patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: "
                                    "{name: web}\n    spec:\n      template:\n        metadata:\n          labels: "
                                    "{sidecar.istio.io/inject: \"true\"}\n"), "labels of pods")


class Environments(Case):
    def names(self, plan):
        return {e["name"]: [(n["name"], n["state"]) for n in e["namespaces"]] for e in plan["environments"]}

    def test_dev_and_prod_are_not_mixed(self):
        self.write("clusters/dev/shop/ns.yaml", [ns()])
        self.write("clusters/prod/shop/ns.yaml", [ns(labels={"istio.io/dataplane-mode": "ambient"})])
        self.write("clusters/dev/shop/app.yaml", [pods()])
        self.write("clusters/dev/cart/cart.yaml", [ns("cart"), pods("cart", "cart")])
        self.assertEqual(self.names(self.plan()), {"dev": [("cart", "sidecar"), ("shop", "sidecar")],
                                                   "prod": [("shop", "ambient")]})

    def test_loose_files_are_one(self):
        self.write("a/x.yaml", [ns("a"), pods("a", "a")])
        self.write("b/x.yaml", [ns("b")])
        self.write("mesh/values.yaml", [values(meshConfig={"trustDomain": "corp"})])
        plan = self.plan()
        self.assertEqual(self.names(plan), {".": [("a", "sidecar"), ("b", "sidecar")]})
        self.assertEqual(plan["environments"][0]["trustDomain"], "corp")

    def test_kustomizations_that_do_not_meet_are_one(self):
        for name in ("a", "b"):
            self.write("apps/%s/kustomization.yaml" % name, "namespace: %s\nresources: [all.yaml]\n" % name)
            self.write("apps/%s/all.yaml" % name, [ns(name), pods(namespace=None), svc(namespace=None)])
        self.assertEqual(self.names(self.plan()), {".": [("a", "sidecar"), ("b", "sidecar")]})

    def overlays(self):
        self.write("apps/shop/base/kustomization.yaml", "resources: [all.yaml]\n")
        self.write("apps/shop/base/all.yaml", BASE)
        for overlay in ("dev", "prod"):
            self.write("apps/shop/%s/kustomization.yaml" % overlay, "resources: [../base]\n")
            self.write("apps/cart/%s/cart.yaml" % overlay, [ns("cart"), pods("cart", "cart")])
            self.write("apps/cart/%s/kustomization.yaml" % overlay, "resources: [cart.yaml]\n")

    def test_overlays_of_several_applications(self):
        self.overlays()
        both = [("cart", "sidecar"), ("shop", "sidecar")]
        self.assertEqual(self.names(self.plan()), {"dev": both, "prod": both})

    def test_shared_base(self):
        self.overlays()
        self.assertNotIn("C40", self.ids(self.plan(code=0)))
        self.write("apps/shop/prod/kustomization.yaml", "resources: [../base, filter.yaml]\n")
        self.write("apps/shop/prod/filter.yaml", [filtered()[-1]])
        plan = self.plan(code=3)
        self.assertEqual([f["id"] for f in self.one(plan, environment="prod")["findings"]], ["B01"])
        dev = self.one(plan, environment="dev")["findings"]
        self.assertEqual([(f["id"], f["file"]) for f in dev], [("C40", "apps/shop/base/all.yaml")])
        self.assertTrue(self.one(plan, "cart", "dev")["migrates"])
        self.assertFalse(self.one(plan, "cart", "dev")["enrollHeld"])

    def test_given_environment(self):
        self.write("one/all.yaml", [ns("a"), pods("a", "a")])
        self.write("two/all.yaml", [ns("b"), pods("b", "b")])
        self.assertEqual(set(self.names(self.plan("--environment", "one"))), {".", "one"})

    def test_namespace_of_a_kustomization(self):
        self.write("base/all.yaml", [doc("v1", "Namespace", "x", None, labels={"istio-injection": "enabled"}),
                                     pods(namespace=None)])
        self.write("kustomization.yaml", "namespace: shop-dev\nresources: [base/all.yaml]\n")
        self.assertEqual(self.names(self.plan()), {".": [("shop-dev", "sidecar")]})


class Waves(Case):
    def waves(self, plan):
        return {n["name"]: n["wave"] for e in plan["environments"] for n in e["namespaces"]}

    def test_callers_first(self):
        self.write("tree.yaml", [
            *[d for n in "abcd" for d in (ns(n), svc(namespace=n))],
            pods("a", "a", container={"env": [{"name": "U", "value": "http://web.b.svc.cluster.local:80/x"}]}),
            doc("v1", "ConfigMap", "c", "b", data={"u": "grpc://web.c.svc"}),
            policy(namespace="d", rules=[{"from": [{"source": {"namespaces": ["c"]}}]}]),
            istio("Sidecar", "s", {"egress": [{"hosts": ["d/*", "istio-system/*"]}]}, "a")])
        plan = self.plan()
        self.assertEqual(self.waves(plan), {"a": 1, "b": 2, "c": 3, "d": 4})
        calls = [(c["from"], c["to"], c["evidence"]) for c in plan["environments"][0]["calls"]]
        self.assertEqual(calls, [("a", "b", "url"), ("a", "d", "sidecar"), ("b", "c", "url"), ("c", "d", "policy")])

    def test_short_hosts_need_the_service(self):
        self.write("tree.yaml", [ns("a"), ns("b"), svc(namespace="b"), pods("a", "a", container={
            "args": ["--x=web.b:80", "--y=other.b"]})])
        self.assertEqual([c["text"] for c in self.plan()["environments"][0]["calls"]], ["web.b"])

    def test_cycle(self):
        def calls(a, b):
            return policy(namespace=b, rules=[{"from": [{"source": {"namespaces": [a]}}]}])
        self.write("tree.yaml", [*map(ns, "abcde"), calls("a", "b"), calls("b", "c"), calls("c", "b"), calls("c", "d")])
        plan = self.plan()
        self.assertEqual(self.waves(plan), {"a": 1, "b": 2, "c": 2, "d": 3, "e": 1})
        cycles = {n["name"]: n["cycle"] for n in plan["environments"][0]["namespaces"]}
        self.assertEqual(cycles, {"a": 0, "b": 1, "c": 1, "d": 0, "e": 0})
        self.assertIn("cycle 1: b, c call each other; they go together, in wave 2", self.run_tool().stdout)

    def test_held_callers_hold(self):
        self.write("tree.yaml", CASES["C38"][0])
        plan = self.plan(code=3)
        self.assertEqual((self.one(plan)["held"], self.one(plan)["enrollHeld"]), (False, True))
        self.assertTrue(self.one(plan, "caller")["held"])
        plan = self.plan("--accept", "C38=shop", code=3)
        self.assertFalse(self.one(plan)["enrollHeld"])

    def test_unselected_callers_hold(self):
        self.write("tree.yaml", CASES["C38"][1])
        plan = self.plan("--namespace", "shop", code=3)
        self.assertEqual([f["id"] for f in self.one(plan)["findings"]], ["C38"])
        self.assertFalse(self.one(plan, "caller")["migrates"])

    def test_callers_not_in_the_tree(self):
        self.write("tree.yaml", BASE + [FROM_CALLER])
        found = self.one(self.plan(code=1))["findings"]
        self.assertEqual([(f["id"], f["severity"]) for f in found], [("C38", "warning")])

    def test_callers_that_another_policy_of_the_service_names(self):
        """A policy of Layer 4 stays where it is, but its callers meet the guard of the Service."""
        names = [{"from": [{"source": {"principals": ["cluster.local/ns/far/sa/default"]}}]}]
        deny = policy(name="no", action="DENY", selector={"app": "web"}, rules=GET)
        self.write("tree.yaml", BASE + [deny, policy(selector={"app": "web"}, rules=names)])
        found = self.one(self.plan(code=1))["findings"]
        self.assertEqual([f["id"] for f in found], ["C38"])
        self.assertIn("namespace far calls Service web,", found[0]["reason"])
        self.write("tree.yaml", BASE + [deny, policy(selector={"app": "other"}, rules=names)])
        self.assertEqual(self.one(self.plan(code=0))["findings"], [])


class Ports(Case):
    def test_policies_start_to_apply(self):
        """PERMISSIVE is no remedy where a policy refuses who has no identity."""
        past = pods(annotations={"traffic.sidecar.istio.io/excludeInboundPorts": "9090"})
        names = [{"from": [{"source": {"namespaces": ["x"]}}]}]
        self.write("tree.yaml", [ns(), past, svc()])
        self.assertFalse(self.one(self.plan(code=1))["held"])
        for where, code in (("shop", 3), ("istio-system", 3), ("other", 1)):
            self.write("tree.yaml", [ns(), past, svc(), ns("istio-system", {}), ns("other", {}),
                                     policy(namespace=where, rules=names)])
            plan = self.plan(code=code)
            self.assertEqual(self.one(plan)["held"], code == 3, where)
        self.write("tree.yaml", [ns(), past, svc(), policy(rules=names)])
        self.assertFalse(self.one(self.plan("--accept", "S08", code=1))["held"])


class Needs(Case):
    def needs(self, *docs):
        self.write("tree.yaml", BASE + list(docs))
        return [(n["service"], n["because"], n["kind"]) for n in self.one(self.plan())["needsWaypoint"]]

    def test_reasons(self):
        jwt = {"selector": {"matchLabels": {"app": "web"}}, "jwtRules": [{"issuer": "i"}]}
        web = {"app": "web"}
        self.assertEqual(self.needs(), [])
        self.assertEqual(self.needs(policy(selector=web, rules=[{"from": [{"source": {"namespaces": ["x"]}}]}])), [])
        self.assertEqual(self.needs(policy(selector=web, rules=GET)), [("web", "policy", "AuthorizationPolicy")])
        self.assertEqual(self.needs(policy(action="AUDIT", rules=[{}])), [("web", "policy", "AuthorizationPolicy")])
        self.assertEqual(self.needs(policy(namespace="istio-system", rules=GET)),
                         [("web", "policy", "AuthorizationPolicy")])
        self.assertEqual(self.needs(istio("RequestAuthentication", "j", jwt)), [("web", "JWT", "RequestAuthentication")])
        self.assertEqual(self.needs(istio("WasmPlugin", "w", {"url": "x"})), [("web", "plugin", "WasmPlugin")])
        self.assertEqual(self.needs(route()), [("web", "route", "VirtualService")])
        self.assertEqual(self.needs(route(gateways=["istio-system/edge"])), [])
        self.assertEqual(self.needs(destination("web.shop", outlierDetection={})),
                         [("web", "destination", "DestinationRule")])
        self.assertEqual(self.needs(destination("web", tls={"mode": "ISTIO_MUTUAL"})), [])
        self.assertEqual(self.needs(doc("gateway.networking.k8s.io/v1", "HTTPRoute", "r", spec={
            "parentRefs": [{"group": "", "kind": "Service", "name": "web", "port": 80}]})),
            [("web", "route", "HTTPRoute")])

    def test_bound_namespaces_copy_more(self):
        l7 = policy(selector={"app": "web"}, rules=GET)
        l4 = policy("l4", selector={"app": "db", "tier": "a"}, rules=[{"from": [{"source": {"namespaces": ["x"]}}]}])
        self.write("tree.yaml", BASE + [l7, l4, svc("db"), pods("db", labels={"tier": "a"}),
                                        pods("db2", labels={"app": "db", "tier": "b"})])
        self.assertNotIn("S28", self.ids(self.plan(code=0)))
        self.assertIn("S28", self.ids(self.plan("--bind", "namespace", code=3)))

    def test_changes_of_phases(self):
        self.write("tree.yaml", BASE + [policy(selector={"app": "web"}, rules=GET)])
        changes = self.one(self.plan())["changes"]
        self.assertEqual({c["file"] for c in changes}, {"tree.yaml"})
        self.assertEqual(sorted({c["phase"] for c in changes}), ["bind", "enroll", "prepare"])
        self.assertIn("  enroll: tree.yaml: ", self.run_tool().stdout)
        self.write("tree.yaml", [ns(labels={"team": "a"}), pods()])
        self.assertEqual(self.one(self.plan())["changes"], [])

    def test_next_phase(self):
        l7 = policy(selector={"app": "web"}, rules=GET)
        gateway = doc("gateway.networking.k8s.io/v1", "Gateway", "waypoint", spec={"gatewayClassName": "istio-waypoint"})
        copy = istio("AuthorizationPolicy", "p-waypoint", {"action": "ALLOW", "rules": GET, "targetRefs": [
            {"group": "", "kind": "Service", "name": "web"}]})
        ours = policy("web-from-waypoint", selector={"app": "web"}, rules=[{"from": [{"source": {
            "principals": ["cluster.local/ns/shop/sa/waypoint"]}}]}])
        bound = svc(labels={"istio.io/use-waypoint": "waypoint"})
        ambient = ns(labels={"istio.io/dataplane-mode": "ambient"})
        for phase, docs in (("enroll", BASE), ("prepare", BASE + [l7]), ("bind", BASE + [l7, copy, gateway]),
                            ("enroll", [ns(), pods(), bound, l7, copy, gateway, ours]),
                            ("cleanup", [ambient, pods(), bound, l7, copy, gateway, ours]), ("done", [ambient, pods()])):
            with self.subTest(phase):
                self.write("tree.yaml", docs)
                self.assertEqual(self.one(self.plan())["next"], phase)


class Sums(Case):
    def test_replicas_times_request(self):
        own = "sidecar.istio.io/"
        self.write("tree.yaml", [
            ns(), pods(replicas=3, annotations={own + "proxyCPU": "250m", own + "proxyMemory": "192Mi"}),
            pods("b", replicas=2, annotations={own + "proxyCPU": "0.5", own + "proxyMemoryLimit": "1G",
                                               own + "logLevel": "debug"}),
            pods("out", labels={own + "inject": "false"}, annotations={own + "proxyCPU": "9"}),
            pods("c", annotations={"proxy.istio.io/config": "concurrency: 2\ndrainDuration: 5s\n"})])
        self.assertEqual(self.one(self.plan())["sidecars"], {
            "pods": 5, "cpuMillicores": 1750, "memoryBytes": 3 * 192 << 20, "cpuLimitMillicores": 0,
            "memoryLimitBytes": 2 * 10 ** 9, "perNode": False, "settings": {
                "proxy.istio.io/config concurrency": 1, "proxy.istio.io/config drainDuration": 1, own + "logLevel": 1}})
        self.assertIn("sidecars ask for cpu 1750m, memory 576Mi, memory limit 1953125Ki, in 5 pods",
                      self.run_tool().stdout)


class CommandLine(Case):
    def test_exit_codes(self):
        self.write("tree.yaml", BASE)
        self.assertEqual(self.run_tool().returncode, 0)
        self.write("tree.yaml", CASES["W23"][0])
        self.assertEqual(self.run_tool().returncode, 1)
        self.write("tree.yaml", CASES["S15"][0])
        self.assertEqual(self.run_tool().returncode, 3)
        self.assertEqual(self.run_tool("--accept", "S15").returncode, 1)
        self.assertEqual(self.run_tool("--accept=S15=shop").returncode, 1)
        self.assertEqual(self.run_tool("--accept", "S15=other").returncode, 3)

    def test_accept_for_one_namespace_what_is_about_all(self):
        self.write("tree.yaml", TWO + [values(meshConfig={"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}})])
        plan = self.plan("--accept", "S22=caller", code=3)
        self.assertEqual([self.one(plan, n)["held"] for n in ("caller", "shop")], [False, True])
        self.plan("--accept", "S22", code=1)

    def test_strict(self):
        self.write("tree.yaml", CASES["B01"][0] + [ns("other")])
        self.assertFalse(self.one(self.plan(code=3), "other")["held"])
        self.assertTrue(self.one(self.plan("--strict", code=3), "other")["held"])
        self.assertRegex(self.run_tool("--strict").stdout, r"other +sidecar \(label\) .* --strict")
        self.write("tree.yaml", BASE)
        self.plan("--strict", code=0)
        # What is about the whole mesh is a warning, and a blocker for those who want none.
        mesh = dict(filtered()[-1], metadata={"name": "f", "namespace": "istio-system"})
        self.write("tree.yaml", BASE + [mesh])
        self.plan(code=1)
        self.plan("--strict", code=3)

    def test_usage(self):
        self.write("tree.yaml", BASE)
        for args, text in ((("--accept", "B01"), "B01 cannot be accepted"), (("--accept", "X1"), "not 'X1'"),
                           (("-f", "xml"), "text, json or html"), (("--bind", "x"), "service or namespace"),
                           (("--waypoint", "none"), "NAME/NAMESPACE"), (("-n", "nope"), "no namespace 'nope'"),
                           (("--environment", "nope"), "nope"), (("--what",), "--what")):
            with self.subTest(args):
                run = self.run_tool(*args)
                self.assertEqual(run.returncode, 2)
                self.assertIn(text, run.stderr)
        self.assertEqual(self.run_tool(paths=["nowhere"]).returncode, 2)
        self.assertIn("ambient plan", self.run_tool("--help").stdout)
        run = subprocess.run([TOOL, "ambient", "fly"], capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, "'fly'" in run.stderr), (2, True))

    def test_unreadable_yaml_is_an_error_and_templates_are_not(self):
        self.write("tree.yaml", BASE)
        self.write("template.yaml", "kind: Deployment\nmetadata: {{ .Values.x }}: [\n")
        self.assertEqual(self.run_tool().returncode, 0)
        self.assertIn("not looked at: template.yaml: a template", self.run_tool().stdout)
        self.write("broken.yaml", "kind: Deployment\nmetadata: [\n")
        run = self.run_tool()
        self.assertEqual(run.returncode, 2)
        self.assertIn("broken.yaml: error: ", run.stderr)
        self.assertIn("shop", run.stdout)

    def test_output_is_stable_and_the_tree_untouched(self):
        for i, (fires, _) in enumerate(CASES.values()):
            self.write("%02d/tree.yaml" % i, [json.loads(json.dumps(d).replace('"shop"', '"shop%d"' % i)) for d in fires])
        before = self.read_all()
        first, second = self.run_tool(), self.run_tool()
        self.assertEqual(first.stdout, second.stdout)
        self.assertEqual(self.run_tool("-f", "json").stdout, self.run_tool("-f", "json").stdout)
        self.assertEqual(before, self.read_all())
        for line in first.stdout.splitlines():
            if line.endswith("]") and "[ambient/" in line:
                self.assertRegex(line, r"^[^:]+:[0-9]+:[0-9]+: (error|warning|info): .+ \[ambient/[BSWIC][0-9]{2}\]$")


class Examples(Case):
    """The worked cases of the specification, read where they are."""

    # folder: state, next phase, services that need a waypoint, findings, exit code
    WANTED = {
        "01-injection-enabled": ("label", "enroll", [], ["W30"], 0),
        "02-revision-label": ("revision", "prepare", ["ledger-api"], [], 0),
        "03-both-labels": ("label", "enroll", [], [], 0),
        "04-opted-out-pods": ("label", "prepare", [], ["W12", "W12", "I11"], 1),
        "05-l4-policy": ("label", "prepare", [], ["W33"], 1),
        "06-l7-policy": ("label", "prepare", ["orders-api"], ["C38", "C38"], 1),
        "07-custom-policy": ("label", "prepare", ["portal-web"], [], 0),
        "08-envoyfilter-blocker": ("label", "enroll", [], ["B01"], 3),
        "09-cross-namespace-waypoint": ("label", "prepare", ["rates"], ["C38"], 1),
        "10-rollback": (None, "cleanup", [], [], 0),
        "11-default-deny": ("label", "prepare", ["vault-api"], ["C38", "C38"], 1),
        "12-virtualservice-subsets": ("label", "prepare", ["recommend"], [], 0),
        "13-port-exceptions": ("label", "prepare", [], ["S08", "W07"], 1),
        "14-gateway-pod-in-namespace": ("label", "prepare", [], [], 0),
        "15-negative-l4-match": ("label", "prepare", ["pricing"], ["C38"] * 3, 1),
    }
    NAMESPACE = {"09-cross-namespace-waypoint": "shipping"}

    def test_each(self):
        home = os.path.join(shared.find() or "", "ambient", "examples")
        if not os.path.isdir(home):
            self.skipTest("the worked cases of ../shared are not there")
        for folder, (by, phase, needs, findings, code) in self.WANTED.items():
            with self.subTest(folder):
                shutil.copy(os.path.join(home, folder, "before.yaml"), self.dir)
                plan = self.plan(code=code)
                names = [n for n in plan["environments"][0]["namespaces"]
                         if n["name"] == self.NAMESPACE.get(folder, n["name"])]
                self.assertEqual(len(names), 1)
                self.assertEqual((names[0]["by"], names[0]["next"]), (by, phase))
                self.assertEqual(sorted({n["service"] for n in names[0]["needsWaypoint"]}), needs)
                self.assertEqual([f["id"] for f in names[0]["findings"]], findings)
                shutil.copy(os.path.join(home, folder, "after.yaml"), os.path.join(self.dir, "before.yaml"))
                self.assertNotIn("W32", self.ids(self.plan()))


if __name__ == "__main__":
    if not os.access(TOOL, os.X_OK):
        print("there is no tool at %s" % TOOL, file=sys.stderr)
        sys.exit(77)
    unittest.main()
