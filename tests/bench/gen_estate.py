#!/usr/bin/env python3
"""An estate of sidecar namespaces, as a GitOps repository of a large company has it.

    gen_estate.py OUT [--namespaces 500] [--seed 1]

Ten manifests per namespace. Two thirds of the namespaces come in pairs: a kustomize base with overlays for the
clusters dev and prod, where both have the same name; the others stand alone, in one directory each. Callers are named
by policies, URLs and Sidecar hosts; every tenth group of three calls in a circle. About every seventh namespace has
something that holds it, of a kind of its own. Writers differ: comments, quotes, indentation, line ends, several
documents in a file. The same arguments give the same bytes.

Prints the counts as JSON.
"""
import argparse
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from mesh.trees import Maker  # noqa: E402
from mesh.writing import Writer  # noqa: E402

TEAMS = ["payments", "checkout", "search", "identity", "catalog", "shipping", "ledger", "fraud"]
NOUNS = ["api", "web", "worker", "store", "relay", "batch"]
KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def waiting(maker, ns):
    job = maker.object("batch/v1", "CronJob", ns, "report", {"schedule": "0 3 * * *", "jobTemplate": {"spec": {
        "template": {"metadata": {"labels": {"app": "report"}}, "spec": {"restartPolicy": "Never", "containers": [{
            "name": "report", "image": "registry.example.com/report:2", "command": [
                "sh", "-c", "until curl -fs localhost:15021/healthz/ready; do sleep 1; done; report"]}]}}}}})
    return [job]


def quitting(maker, ns):
    [job] = waiting(maker, ns)
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["sh", "-c", "report && curl -fsX POST localhost:15020/quitquitquit"]
    return [job]


def spire(maker, ns):
    return [maker.object("apps/v1", "Deployment", ns, "vault", {"selector": {"matchLabels": {"app": "vault"}}, "template": {
        "metadata": {"labels": {"app": "vault", "spiffe.io/spire-managed-identity": "true"}},
        "spec": {"containers": [{"name": "vault", "image": "registry.example.com/vault:1"}]}}})]


def injected(maker, ns):
    return [maker.object("apps/v1", "Deployment", ns, "frozen", {"selector": {"matchLabels": {"app": "frozen"}}, "template": {
        "metadata": {"labels": {"app": "frozen"}, "annotations": {"sidecar.istio.io/status": "{}"}},
        "spec": {"containers": [{"name": "frozen", "image": "registry.example.com/frozen:1"},
                                {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.22.0"}]}}})]


BLOCKERS = {
    "EnvoyFilter": lambda m, ns: [m.object("networking.istio.io/v1alpha3", "EnvoyFilter", ns, "lua",
                                           {"configPatches": [{"applyTo": "HTTP_FILTER"}]})],
    "WorkloadGroup": lambda m, ns: [m.object("networking.istio.io/v1", "WorkloadGroup", ns, "vm",
                                             {"template": {"serviceAccount": "vm"}})],
    "SPIRE": spire,
    "DISABLE": lambda m, ns: [m.object("security.istio.io/v1", "PeerAuthentication", ns, "off", {"mtls": {"mode": "DISABLE"}})],
    "injected": injected,
    "waits": waiting,
    "quits": quitting,
    "remapped": lambda m, ns: [m.object("networking.istio.io/v1", "Sidecar", ns, "remap", {
        "workloadSelector": {"labels": {"app": "api"}},
        "ingress": [{"port": {"number": 8080, "protocol": "HTTP", "name": "http"},
                     "defaultEndpoint": "unix:///var/run/app.sock"}]})],
    "origination": lambda m, ns: [
        m.object("networking.istio.io/v1", "ServiceEntry", ns, "partner", {
            "hosts": ["api.partner.example"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "DNS"}),
        m.object("networking.istio.io/v1", "DestinationRule", ns, "partner", {
            "host": "api.partner.example", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}})],
    "REGISTRY_ONLY": lambda m, ns: [m.object("networking.istio.io/v1", "Sidecar", ns, "default", {
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}, "egress": [{"hosts": ["./*", "istio-system/*"]}]})],
}


class Estate:
    def __init__(self, out, namespaces, seed):
        self.out, self.rng = out, random.Random(seed)
        self.counts = {"namespaces": 0, "manifests": 0, "bytes": 0, "blocked": 0, "circles": 0}
        self.clusters = {"dev": [], "prod": []}
        i = 0
        while self.counts["namespaces"] < namespaces:
            pair = i % 2 == 0 and self.counts["namespaces"] + 2 <= namespaces
            self.application(i, pair)
            i += 1
        self.platform()

    def write(self, path, objects):
        full = os.path.join(self.out, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        data = Writer(self.rng).file(objects)
        with open(full, "wb") as f:
            f.write(data)
        self.counts["manifests"] += 1
        self.counts["bytes"] += len(data)

    @staticmethod
    def name(i):
        return "%s-%d" % (TEAMS[i % len(TEAMS)], i)

    def callers(self, i):
        """Whom an application lets in: two that come later, or its neighbours in a circle of three."""
        if i // 6 % 10 == 0:  # circles are made of applications that live in the same clusters
            first = i // 6 * 6 + i % 2
            return [self.name(first + (i - first + 2) % 6)]
        return [self.name(i + 2), self.name(i + 4)]

    # one application

    def application(self, i, pair):
        rng, name = self.rng, self.name(i)
        maker = Maker(rng, self.callers(i))
        apps = rng.sample(NOUNS, 3)
        files = {}
        for app in apps:
            self.workload(maker, files, name, app, i)
        self.policies(maker, files, name, apps)
        self.extras(maker, files, name, apps)
        if i % 7 == 3:
            kind = sorted(BLOCKERS)[i // 7 % len(BLOCKERS)]
            files["%s.yaml" % kind.lower()] = BLOCKERS[kind](maker, name)
            self.counts["blocked"] += 2 if pair else 1
        self.counts["circles"] += i // 6 % 10 == 0 and i % 6 < 2
        if pair:
            self.overlays(name, files, maker)
        else:
            self.alone(name, files, maker)

    def workload(self, maker, files, name, app, i):
        objects = maker.workload(name, app)
        for o in objects:
            containers = o["spec"].get("template", {}).get("spec", {}).get("containers")
            if containers:
                containers[0]["env"] = [{"name": "UPSTREAM",
                                         "value": "http://api.%s.svc.cluster.local:80" % self.name(max(i - 2, 0))}]
                containers[0]["resources"] = {"requests": {"cpu": "100m", "memory": "128Mi"}}
                if self.rng.random() < 0.3:
                    meta = o["spec"]["template"]["metadata"]
                    meta.setdefault("annotations", {})["sidecar.istio.io/proxyCPU"] = "200m"
        if self.rng.random() < 0.5:
            files["%s.yaml" % app] = objects
        else:
            for o in objects:
                files.setdefault("%s-%s.yaml" % (app, o["kind"].lower()), []).append(o)

    def policies(self, maker, files, name, apps):
        rng = self.rng
        shape = rng.random()
        callers = ["cluster.local/ns/%s/sa/%s" % (c, rng.choice(NOUNS)) for c in maker.callers]
        allow = {"rules": [{"from": [{"source": {"principals": callers}}]}]}
        if shape < 0.45:
            allow["rules"][0]["to"] = [{"operation": {"methods": ["GET", "POST"], "paths": ["/v1/*"]}}]
        files["callers.yaml"] = [maker.object("security.istio.io/v1", "AuthorizationPolicy", name, "callers",
                                              maker.selected({"app": apps[0]}, allow))]
        files["mtls.yaml"] = [maker.object("security.istio.io/v1", "PeerAuthentication", name, "default",
                                           {"mtls": {"mode": "STRICT"}})]
        if shape < 0.15:
            spec = {"action": "DENY", "rules": [{"to": [{"operation": {"paths": ["/debug/*"]}}]}]}
            files["no-debug.yaml"] = [maker.object("security.istio.io/v1", "AuthorizationPolicy", name, "no-debug",
                                                   maker.selected({"app": apps[0]}, spec))]
        elif shape < 0.25:
            files["tokens.yaml"] = [maker.object("security.istio.io/v1", "RequestAuthentication", name, "tokens", maker.selected(
                {"app": apps[0]}, {"jwtRules": [{"issuer": "https://idp.example.com", "jwksUri":
                                                 "https://idp.example.com/keys"}]}))]
        elif shape > 0.8:
            files["more.yaml"] = [maker.policy(name, "more-%d" % k, rng.choice([None, {"app": rng.choice(apps)}]),
                                               plain=rng.random() < 0.5) for k in range(2)]

    def extras(self, maker, files, name, apps):
        rng = self.rng
        if rng.random() < 0.4:
            files["network.yaml"] = [maker.object("networking.k8s.io/v1", "NetworkPolicy", name, "in", {
                "podSelector": {"matchLabels": {"app": apps[0]}}, "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080, "protocol": "TCP"}]}]})]
        if rng.random() < 0.3:
            files["routes.yaml"] = [maker.object("networking.istio.io/v1", "VirtualService", name, apps[0], {
                "hosts": ["%s.example.com" % name], "gateways": ["istio-ingress/public"],
                "http": [{"route": [{"destination": {"host": apps[0]}}]}]})]
        if rng.random() < 0.2:
            files["partner.yaml"] = [maker.object("networking.istio.io/v1", "ServiceEntry", name, "maps", {
                "hosts": ["maps.example.com"], "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
                "resolution": "DNS"})]
        if rng.random() < 0.2:
            files["egress.yaml"] = [maker.object("networking.istio.io/v1", "Sidecar", name, "default", {
                "egress": [{"hosts": ["./*", "istio-system/*", "%s/*" % maker.callers[0]]}]})]

    def settings(self, files, name, want):
        """ConfigMaps, until there are as many files as namespaces ask for."""
        k = 0
        while len(files) < want:
            files["settings-%d.yaml" % k] = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                "name": "settings-%d" % k, "namespace": name}, "data": {"LOG_LEVEL": "info", "WORKERS": "4"}}]
            k += 1

    def alone(self, name, files, maker):
        files["namespace.yaml"] = [{"apiVersion": "v1", "kind": "Namespace",
                                    "metadata": {"name": name, "labels": maker.injection()}}]
        self.settings(files, name, 10)
        for path, objects in files.items():
            self.write("services/%s/%s" % (name, path), objects)
        self.counts["namespaces"] += 1

    def overlays(self, name, files, maker):
        self.settings(files, name, 13)
        for objects in files.values():
            for o in objects:
                o["metadata"].pop("namespace", None)
        top = "apps/%s/" % name
        for path, objects in files.items():
            self.write(top + "base/" + path, objects)
        self.write(top + "base/kustomization.yaml", [dict(KUSTOMIZATION, resources=sorted(files))])
        labels = maker.injection()
        workload = next(o for objects in files.values() for o in objects if "template" in o["spec"])
        for cluster in ("dev", "prod"):
            here = "%soverlays/%s/" % (top, cluster)
            self.write(here + "namespace.yaml", [{"apiVersion": "v1", "kind": "Namespace",
                                                  "metadata": {"name": name, "labels": dict(labels)}}])
            self.write(here + "replicas.yaml", [{"apiVersion": workload["apiVersion"], "kind": workload["kind"], "metadata": {
                "name": workload["metadata"]["name"]}, "spec": {"replicas": 1 if cluster == "dev" else 4}}])
            self.write(here + "kustomization.yaml", [dict(KUSTOMIZATION, namespace=name, resources=[
                "../../base", "namespace.yaml"], patches=[{"path": "replicas.yaml"}])])
            self.clusters[cluster].append(here.rstrip("/"))
            self.counts["namespaces"] += 1

    # what all share

    def platform(self):
        for cluster, apps in self.clusters.items():
            if not apps:
                continue
            here = "clusters/%s/" % cluster
            self.write(here + "mesh.yaml", [Maker.object("security.istio.io/v1", "PeerAuthentication", "istio-system", "default",
                                                         {"mtls": {"mode": "STRICT"}})])
            self.write(here + "gateway.yaml", [Maker.object("networking.istio.io/v1", "Gateway", "istio-ingress", "public", {
                "selector": {"istio": "ingress"}, "servers": [{"port": {"number": 443, "name": "https", "protocol": "HTTPS"},
                                                               "hosts": ["*.example.com"]}]})])
            self.write(here + "kustomization.yaml", [dict(KUSTOMIZATION, resources=["mesh.yaml", "gateway.yaml"] + [
                "../../" + a for a in apps])])
        self.write("platform/istiod-values.yaml", [{"global": {"logging": {"level": "default:info"}}, "profile": "ambient",
                                                    "meshConfig": {"trustDomain": "cluster.local"}}])


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    ap.add_argument("out")
    ap.add_argument("--namespaces", type=int, default=500)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    print(json.dumps(Estate(a.out, a.namespaces, a.seed).counts, sort_keys=True))


if __name__ == "__main__":
    main()
