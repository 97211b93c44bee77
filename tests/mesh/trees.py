"""Random trees of a sidecar mesh: small enough to try every caller and request, and of every shape.

    Tree(seed): .files {path: bytes}, .environments {name: (paths, namespace or None)}, .names, .args
    load(top, environment) -> objects as the cluster would get them
    Maker(rng): objects of every shape, for other trees as well

Layouts: one directory; dev/ and prod/ apart; a kustomize base with overlays dev and prod that set the namespace.
"""
import copy
import os
import random

import yaml

from mesh.writing import Writer

LETTERS = ["shop", "pay", "stock", "mail"]
APPS = ["api", "web", "db", "jobs"]
ISSUERS = ["https://idp.example.com", "https://partners.example.com/"]
PATHS = ["/", "/orders/1", "/orders/1/invoice", "/debug/vars", "/healthz", "/static/a.css"]
PATTERNS = ["/orders/*", "/debug/*", "/healthz", "*.css", "/orders/{*}/invoice", "/orders/{**}", "/*", "*"]
METHODS = ["GET", "POST", "DELETE"]
ADDRESSES = ["10.1.0.5", "10.96.0.7", "192.0.2.9"]
BLOCKS = ["10.1.0.0/16", "10.96.0.0/16", "192.0.2.9", "10.0.0.0/8"]
STRANGERS = ["sandbox", "partners"]


class Maker:
    """Objects of every shape. callers: namespaces that policies name."""

    def __init__(self, rng, callers):
        self.rng, self.callers = rng, callers

    def some(self, values, most=2):
        return self.rng.sample(values, self.rng.randint(1, min(most, len(values))))

    @staticmethod
    def object(version, kind, namespace, name, spec):
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}

    @staticmethod
    def selected(selector, spec):
        return dict({"selector": {"matchLabels": selector}}, **spec) if selector else spec

    def injection(self):
        return self.rng.choice([{"istio-injection": "enabled"}, {"istio-injection": "enabled"}, {"istio.io/rev": "prod"},
                                {"istio-injection": "enabled", "istio.io/rev": "prod"},
                                {"team": "a", "istio-injection": "enabled"}])

    def workload(self, name, app):
        rng = self.rng
        out = []
        named = rng.random() < 0.3
        number = rng.choice([8080, 9080, 80])
        labels = {"app": app}
        if rng.random() < 0.4:
            labels["tier"] = rng.choice(["front", "back"])
        versions = rng.choice([[None], [None], ["v1"], ["v1", "v2"]])
        for version in versions:
            port = {"containerPort": number}
            if named:
                port["name"] = "web"
            own = dict(labels, **({"version": version} if version else {}))
            template = {"metadata": {"labels": dict(own)}, "spec": {
                "serviceAccountName": app, "containers": [{"name": app, "image": "registry.example.com/%s:1" % app,
                                                           "ports": [port]}]}}
            where = rng.random()
            if where < 0.06:
                template["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"
            elif where < 0.12:
                template["metadata"]["annotations"] = {"sidecar.istio.io/inject": "false"}
            elif where < 0.18:
                template["metadata"]["labels"]["sidecar.istio.io/inject"] = "true"
            elif where < 0.21:
                template["spec"]["hostNetwork"] = True
            elif where < 0.24:
                template["metadata"]["annotations"] = {"traffic.sidecar.istio.io/excludeInboundPorts": str(number)}
            elif where < 0.26:
                own["sidecar.istio.io/inject"] = "true"
                template["metadata"]["labels"] = dict(own)
            full = app + ("-" + version if version else "")
            out.append(self.object("apps/v1", rng.choice(["Deployment", "Deployment", "StatefulSet"]), name, full,
                                   {"selector": {"matchLabels": own}, "template": template}))
        entry = {"name": "http", "port": rng.choice([80, number])}
        if entry["port"] != number:
            entry["targetPort"] = "web" if named else number
        elif rng.random() < 0.5:
            entry["targetPort"] = "web" if named else number
        ports = [entry]
        if rng.random() < 0.2:
            ports.append({"name": "http-extra", "port": 8888, "targetPort": "web" if named else number})
        if rng.random() < 0.9:
            out.append(self.object("v1", "Service", name, app, {"selector": {"app": app}, "ports": ports}))
        if rng.random() < 0.15 and versions[0]:
            out.append(self.object("v1", "Service", name, app + "-v1",
                                   {"selector": {"app": app, "version": "v1"}, "ports": copy.deepcopy(ports)}))
        return out

    # policies

    def principal(self):
        rng = self.rng
        who = rng.choice(self.callers)
        return rng.choice(["cluster.local/ns/%s/sa/%s" % (who, rng.choice(APPS)), "cluster.local/ns/%s/*" % who, "*",
                           "*/sa/" + rng.choice(APPS)])

    def source(self, plain):
        rng = self.rng
        out = {}
        kinds = ["principals", "principals", "namespaces", "namespaces", "ipBlocks"]
        if not plain:
            kinds += ["requestPrincipals", "requestPrincipals", "remoteIpBlocks"]
        for kind in self.some(kinds):
            values = {"principals": lambda: [self.principal() for _ in range(rng.randint(1, 2))],
                      "namespaces": lambda: self.some(self.callers + ["sand*"]),
                      "ipBlocks": lambda: self.some(BLOCKS), "remoteIpBlocks": lambda: self.some(BLOCKS),
                      "requestPrincipals": lambda: self.some([i + "/" + s for i in ISSUERS for s in "*u"] + ["*"])}
            negative = rng.random() < 0.3
            out["not" + kind[0].upper() + kind[1:] if negative else kind] = values[kind]()
        if rng.random() < 0.1:
            key = rng.choice(["serviceAccounts", "notServiceAccounts"])
            out = {key: [rng.choice(["", rng.choice(self.callers) + "/"]) + rng.choice(APPS)]}
        return out

    def operation(self, plain):
        rng = self.rng
        out = {}
        kinds = ["ports"] if plain else ["ports", "methods", "methods", "paths", "paths", "hosts"]
        for kind in self.some(kinds):
            values = {"ports": lambda: self.some(["8080", "9080", "80", "8888"]),
                      "methods": lambda: self.some(METHODS), "paths": lambda: self.some(PATTERNS),
                      "hosts": lambda: self.some(["api", "web*", "*.example.com"])}
            negative = rng.random() < 0.25
            out["not" + kind[0].upper() + kind[1:] if negative else kind] = values[kind]()
        return out

    def condition(self, plain):
        rng = self.rng
        keys = {"source.namespace": lambda: self.some(self.callers), "source.principal": lambda: [self.principal()],
                "source.ip": lambda: self.some(BLOCKS), "destination.port": lambda: self.some(["8080", "80", "9080"])}
        if not plain:
            keys.update({"request.headers[x-team]": lambda: self.some(["a", "b*", "*"]),
                         "request.auth.principal": lambda: ["*"], "remote.ip": lambda: self.some(BLOCKS)})
        key = rng.choice(sorted(keys))
        out = {"key": key}
        which = rng.choice(["values", "values", "notValues"])
        out[which] = keys[key]()
        return out

    def policy(self, namespace, name, selector, plain):
        rng = self.rng
        spec = {}
        act = rng.choice(["ALLOW", "ALLOW", "ALLOW", "DENY", "DENY"] + ([] if plain else ["CUSTOM", "AUDIT"]))
        if act != "ALLOW" or rng.random() < 0.5:
            spec["action"] = act
        if act == "CUSTOM":
            spec["provider"] = {"name": rng.choice(["oauth2", "opa"])}
        shape = rng.random()
        if act == "ALLOW" and shape < 0.08:
            pass  # allow nothing
        elif act != "DENY" and shape < 0.12:
            spec["rules"] = [{}]
        else:
            spec["rules"] = [self.rule(plain or rng.random() < 0.2) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
        return self.object("security.istio.io/" + rng.choice(["v1", "v1", "v1beta1"]), "AuthorizationPolicy", namespace,
                           name, self.selected(selector, spec))

    def rule(self, plain):
        rng = self.rng
        out = {}
        if rng.random() < 0.65:
            out["from"] = [{"source": self.source(plain)} for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.55:
            out["to"] = [{"operation": self.operation(plain)} for _ in range(rng.choice([1, 1, 2]))]
        if rng.random() < 0.25 or not out:
            out["when"] = [self.condition(plain) for _ in range(rng.choice([1, 1, 2]))]
        return out

    def peer(self, namespace, selector):
        rng = self.rng
        spec = {"mtls": {"mode": rng.choice(["STRICT", "STRICT", "PERMISSIVE"])}}
        if selector and rng.random() < 0.5:
            spec["portLevelMtls"] = {rng.choice(["8080", "9080"]): {"mode": rng.choice(["PERMISSIVE", "STRICT"])}}
        return self.object("security.istio.io/v1", "PeerAuthentication", namespace,
                           "default" if not selector else "one", self.selected(selector, spec))


class Tree(Maker):
    def __init__(self, seed):
        super().__init__(random.Random(seed), LETTERS + STRANGERS)
        Writer.numbers = 0
        self.names = self.rng.sample(LETTERS, self.rng.choice([1, 1, 2, 2, 3]))
        self.files = {}
        self.args = []
        self.environments = {}
        layout = self.rng.choice(["flat", "flat", "apart", "overlays"])
        self.layout = layout
        objects = self.mesh()
        if layout == "flat":
            self.environments["."] = (self.write("", objects), None)
        elif layout == "apart":
            other = self.mesh()
            for name, some in (("dev", objects), ("prod", other)):
                self.environments[name] = (self.write(name + "/", some), None)
                self.args += ["--environment", name]
        else:
            self.overlays()
        if self.rng.random() < 0.2:
            self.args += ["--guard", "cleanup"]
        if self.rng.random() < 0.2:
            self.args += ["--bind", "namespace"]
        if self.rng.random() < 0.1:
            self.args += ["--accept", "S08"]

    # files

    def write(self, folder, objects):
        """Objects to files: one per namespace, per kind, per object, or all in one."""
        how = self.rng.choice(["one", "namespace", "kind", "object"])
        groups = {}
        for o in objects:
            key = {"one": "all", "namespace": o["metadata"].get("namespace", o["metadata"]["name"]),
                   "kind": o["metadata"].get("namespace", o["metadata"]["name"]) + "/" + o["kind"].lower(),
                   "object": "%s/%s-%s" % (o["metadata"].get("namespace", o["metadata"]["name"]), o["metadata"]["name"],
                                           o["kind"].lower())}[how]
            groups.setdefault(folder + key + ".yaml", []).append(o)
        for path, some in groups.items():
            self.files[path] = Writer(self.rng).file(some)
        return sorted(groups)

    def overlays(self):
        """A base without namespaces, and two overlays that put it into one each."""
        self.names = self.names[:1]
        objects = self.namespace(self.names[0])
        for o in objects:
            o["metadata"].pop("namespace", None)
            if o["kind"] == "Namespace":
                self.label = o["metadata"]["labels"]
        rest = [o for o in objects if o["kind"] != "Namespace"]
        paths = self.write("base/", rest)
        base = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                "resources": [p[len("base/"):] for p in paths]}
        self.files["base/kustomization.yaml"] = Writer(self.rng).file([base])
        self.names = []
        state = self.rng.getstate()
        for env in ("dev", "prod"):
            name = "%s-%s" % (LETTERS[0], env) if self.rng.random() < 0.5 else LETTERS[0]
            self.names.append(name)
            ns = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(self.label)}}
            if self.rng.random() < 0.5:  # written by the same hand, and so twins if they have one name
                self.rng.setstate(state)
            self.files["overlays/%s/namespace.yaml" % env] = Writer(self.rng).file([ns])
            kust = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": name,
                    "resources": ["../../base", "namespace.yaml"]}
            self.files["overlays/%s/kustomization.yaml" % env] = Writer(self.rng).file([kust])
            self.environments["overlays/" + env] = (None, name)
        self.names = sorted(set(self.names))

    # objects

    def mesh(self):
        out = []
        if self.rng.random() < 0.3:
            out += self.root()
        for name in self.names:
            out += self.namespace(name)
        return out

    def root(self):
        out = []
        if self.rng.random() < 0.7:
            out.append(self.peer("istio-system", None))
        if self.rng.random() < 0.5:
            out.append(self.policy("istio-system", "mesh-wide", None, plain=self.rng.random() < 0.8))
        return out

    def namespace(self, name):
        rng = self.rng
        out = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": self.injection()}}]
        apps = rng.sample(APPS, rng.randint(1, 3))
        for app in apps:
            out += self.workload(name, app)
        for i in range(rng.choice([0, 1, 1, 2, 3, 4])):
            selector = rng.choice([None, {"app": rng.choice(apps)}, {"app": rng.choice(apps)}, {"app": rng.choice(apps)},
                                   {"tier": "front"}, {"version": "v1"}])
            out.append(self.policy(name, "policy-%d" % i, selector, plain=rng.random() < 0.4))
        if rng.random() < 0.35:
            out.append(self.peer(name, None))
        if rng.random() < 0.1:
            out.append(self.peer(name, {"app": rng.choice(apps)}))
        if rng.random() < 0.25:
            selector = rng.choice([None, {"app": rng.choice(apps)}])
            spec = {"jwtRules": [{"issuer": i, "jwksUri": i.rstrip("/") + "/keys"} for i in self.some(ISSUERS)]}
            out.append(self.object("security.istio.io/v1", "RequestAuthentication", name, "tokens",
                                   self.selected(selector, spec)))
        out += self.others(name, apps)
        return out

    def others(self, name, apps):
        """What is looked at, but decides nothing here; and what holds a namespace."""
        rng = self.rng
        out = []
        if rng.random() < 0.2:
            out.append(self.object("networking.k8s.io/v1", "NetworkPolicy", name, "in", {
                "podSelector": {"matchLabels": {"app": rng.choice(apps)}}, "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"namespaceSelector": {}}],
                             "ports": [{"port": 8080, "protocol": "TCP"}]}]}))
        if rng.random() < 0.15:
            out.append(self.object("networking.istio.io/v1", "Sidecar", name, "default", {
                "egress": [{"hosts": ["./*", "istio-system/*"]}]}))
        if rng.random() < 0.15:
            app = rng.choice(apps)
            out.append(self.object("networking.istio.io/v1", "VirtualService", name, app, {
                "hosts": [app], "http": [{"timeout": "5s", "route": [{"destination": {"host": app}}]}]}))
        if rng.random() < 0.2:
            app = rng.choice(apps)
            out.append(self.object("networking.istio.io/v1", "VirtualService", name, app + "-edge", {
                "hosts": ["www.example.com"], "gateways": ["istio-ingress/public"],
                "http": [{"route": [{"destination": {"host": "%s.%s.svc.cluster.local" % (app, name)}}]}]}))
        if rng.random() < 0.1:
            out.append(self.object("networking.istio.io/v1alpha3", "EnvoyFilter", name, "lua", self.selected(
                rng.choice([None, {"app": rng.choice(apps)}]), {"configPatches": [{"applyTo": "HTTP_FILTER"}]})))
        return out


# --- reading a tree back -------------------------------------------------------------------------


def parse(text):
    return [d for d in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if d]


def documents(top, path):
    with open(os.path.join(top, path), "rb") as f:
        return parse(f.read().decode())


def kustomized(top, folder):
    """Resources of a kustomization: only `resources` and `namespace`, all that these trees have."""
    [kust] = documents(top, os.path.join(folder, "kustomization.yaml"))
    out = []
    for r in kust["resources"]:
        path = os.path.normpath(os.path.join(folder, r))
        out += kustomized(top, path) if os.path.isdir(os.path.join(top, path)) else documents(top, path)
    for o in out:
        if kust.get("namespace") and o["kind"] != "Namespace":
            o["metadata"]["namespace"] = kust["namespace"]
    return out


def load(top, name, kustomization):
    """Objects of one environment."""
    if kustomization:
        return kustomized(top, name)
    out = []
    for folder, dirs, names in os.walk(os.path.join(top, name)):
        dirs[:] = sorted(d for d in dirs if d != ".istio-fix")
        for n in sorted(names):
            out += documents(top, os.path.relpath(os.path.join(folder, n), top))
    return out
