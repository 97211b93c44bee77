"""Who may talk to whom: sidecar, waypoint and ztunnel, as far as manifests decide it.

An independent second opinion for the tests, written from the published behaviour and not from the tool's own model.
It knows objects as PyYAML reads them and nothing of how they are rewritten.

    world = World(objects)
    world.decide(caller, Name("api", "shop", 80), request)     # through a Service
    world.decide(caller, Pod, 8080, request)                   # straight to a pod

A decision says whether the request is refused and, if it is not, which external providers were asked (CUSTOM).
Rules of matching: a positive list needs a value and one match, a negative list needs no match; fields of one
source, one operation and one condition are combined with AND, entries of a list with OR.
"""
import collections
import ipaddress
import re

TRUST_DOMAIN = "cluster.local"
ROOT_NAMESPACE = "istio-system"
WAYPOINT_IP = "10.250.0.1"

Caller = collections.namedtuple("Caller", "namespace account ip mode")  # mode: ambient, sidecar, gateway, outside
Request = collections.namedtuple("Request", "method path host headers token")  # token: None or (issuer, subject, valid)
Decision = collections.namedtuple("Decision", "refused asked why")


def identity(caller):
    """namespace and service account as mutual TLS proves them, or None in plaintext."""
    return None if caller.mode == "outside" else (caller.namespace, caller.account)


def looser(before, after):
    """Is something let through that was not, or let through with fewer questions?"""
    return not after.refused and (before.refused or not before.asked <= after.asked)


def same(before, after):
    return before.refused == after.refused and (before.refused or before.asked == after.asked)


# --- values --------------------------------------------------------------------------------------


def text_matches(pattern, value):
    """Exact, prefix `a*`, suffix `*a`, presence `*`."""
    if value is None:
        return False
    if pattern == "*":
        return value != ""
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return pattern == value


def path_matches(pattern, value):
    """As text, and templates: `{*}` is one segment, `{**}` any number of them."""
    if "{" not in pattern:
        return text_matches(pattern, value)
    parts = re.split(r"(\{\*\*\}|\{\*\})", pattern)
    regex = "".join({"{*}": "[^/]+", "{**}": ".*"}.get(p, re.escape(p)) for p in parts)
    return re.fullmatch(regex, value) is not None


def address_matches(block, value):
    return ipaddress.ip_address(value) in ipaddress.ip_network(block, strict=False)


def account_matches(pattern, who, own):
    """`namespace/account`, or an account of the policy's own namespace."""
    namespace, _, account = pattern.rpartition("/")
    return who is not None and who == (namespace or own, account)


class Seen:
    """What one enforcement point knows of a request."""

    def __init__(self, who, ip, port, request=None, client=None):
        self.who, self.ip, self.port, self.request, self.principal = who, ip, port, request, None
        self.client = client or ip  # the address that is told on, from hop to hop

    def spiffe(self):
        return self.who and "%s/ns/%s/sa/%s" % ((TRUST_DOMAIN,) + self.who)

    def field(self, name, patterns, own):
        """One positive list of a source or an operation."""
        namespace = self.who and self.who[0]
        if name == "principals":
            return any(text_matches(p, self.spiffe()) for p in patterns)
        if name == "namespaces":
            return any(text_matches(p, namespace) for p in patterns)
        if name == "serviceAccounts":
            return any(account_matches(p, self.who, own) for p in patterns)
        if name in ("ipBlocks", "remoteIpBlocks"):
            return any(address_matches(p, self.ip if name == "ipBlocks" else self.client) for p in patterns)
        if name == "requestPrincipals":
            return any(text_matches(p, self.principal) for p in patterns)
        if name == "ports":
            return any(str(p) == str(self.port) for p in patterns)
        if name == "methods":
            return any(text_matches(p, self.request.method) for p in patterns)
        if name == "paths":
            return any(path_matches(p, self.request.path) for p in patterns)
        if name == "hosts":
            return any(text_matches(p.lower(), self.request.host.lower()) for p in patterns)
        raise KeyError("the model does not know %s" % name)

    def fields(self, part, own):
        for name, patterns in part.items():
            negative = re.fullmatch("not([A-Z].*)", name)
            if negative:
                if self.field(negative[1][0].lower() + negative[1][1:], patterns, own):
                    return False
            elif not self.field(name, patterns, own):
                return False
        return True

    def attribute(self, key, patterns):
        simple = {"source.namespace": "namespaces", "source.principal": "principals", "source.ip": "ipBlocks",
                  "remote.ip": "remoteIpBlocks", "destination.port": "ports",
                  "request.auth.principal": "requestPrincipals"}
        if key in simple:
            return self.field(simple[key], patterns, None)
        header = re.fullmatch(r"request\.headers\[(.*)\]", key)
        if header:
            return any(text_matches(p, self.request.headers.get(header[1])) for p in patterns)
        raise KeyError("the model does not know the condition %s" % key)

    def condition(self, when):
        if "values" in when and not self.attribute(when["key"], when["values"]):
            return False
        return not ("notValues" in when and self.attribute(when["key"], when["notValues"]))

    def rule(self, rule, own):
        """A whole rule, HTTP included: what Envoy does with it."""
        rule = rule or {}
        return ((not rule.get("from") or any(self.fields(f["source"], own) for f in rule["from"]))
                and (not rule.get("to") or any(self.fields(t["operation"], own) for t in rule["to"]))
                and all(self.condition(w) for w in rule.get("when") or []))


# --- enforcement points --------------------------------------------------------------------------

HTTP_SOURCE = ("requestPrincipals", "remoteIpBlocks", "notRequestPrincipals", "notRemoteIpBlocks")
HTTP_OPERATION = ("hosts", "methods", "paths", "notHosts", "notMethods", "notPaths")
PLAIN_CONDITION = ("source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port")


def action(policy):
    return policy["spec"].get("action", "ALLOW")


def rules(policy):
    return policy["spec"].get("rules") or []


def envoy(policies, authentications, seen):
    """JWT, then CUSTOM, then DENY, then ALLOW."""
    token = seen.request.token
    if token and any(r["issuer"] == token[0] for a in authentications for r in a["spec"].get("jwtRules") or []):
        if not token[2]:
            return Decision(True, frozenset(), "token")
        seen.principal = "%s/%s" % token[:2]
    hits = [p for p in policies if any(seen.rule(r, p["metadata"]["namespace"]) for r in rules(p))]
    asked = frozenset(p["spec"]["provider"]["name"] for p in hits if action(p) == "CUSTOM")
    for p in hits:
        if action(p) == "DENY":
            return Decision(True, frozenset(), "DENY " + p["metadata"]["name"])
    if any(action(p) == "ALLOW" for p in policies) and not any(action(p) == "ALLOW" for p in hits):
        return Decision(True, frozenset(), "no ALLOW")
    return Decision(False, asked, "")


def ztunnel_rule(rule, allow):
    """Clauses (AND) of matches (OR) that are left of a rule, None if the rule is dropped. An empty match is False."""
    rule = rule or {}
    clauses = []
    lost = False
    for name, inner, http in (("from", "source", HTTP_SOURCE), ("to", "operation", HTTP_OPERATION)):
        if rule.get(name):
            clauses.append([])
            for entry in rule[name]:
                left = {k: v for k, v in entry[inner].items() if k not in http}
                lost |= len(left) != len(entry[inner])
                clauses[-1].append(left)
    for when in rule.get("when") or []:
        plain = when["key"] in PLAIN_CONDITION
        lost |= not plain
        clauses.append([when if plain else {}])
    return None if lost and allow else clauses


def ztunnel_hits(policy, seen):
    own = policy["metadata"]["namespace"]
    for rule in rules(policy):
        clauses = ztunnel_rule(rule, action(policy) == "ALLOW")
        if clauses is not None and all(
                any(m and (seen.condition(m) if "key" in m else seen.fields(m, own)) for m in clause)
                for clause in clauses):
            return True
    return False


def ztunnel(policies, seen):
    policies = [p for p in policies if action(p) in ("ALLOW", "DENY")]
    for p in policies:
        if action(p) == "DENY" and ztunnel_hits(p, seen):
            return Decision(True, frozenset(), "ztunnel: DENY " + p["metadata"]["name"])
    allow = [p for p in policies if action(p) == "ALLOW"]
    if allow and not any(ztunnel_hits(p, seen) for p in allow):
        return Decision(True, frozenset(), "ztunnel: no ALLOW")
    return Decision(False, frozenset(), "")


# --- the mesh ------------------------------------------------------------------------------------


def selects(selector, labels):
    return all(labels.get(k) == v for k, v in selector.items())


class Pod:
    """The pods of one template."""

    def __init__(self, owner):
        self.owner, self.namespace, self.name = owner, owner["metadata"]["namespace"], owner["metadata"]["name"]
        template = owner["spec"]["template"]
        meta = template.get("metadata") or {}
        self.labels = meta.get("labels") or {}
        self.annotations = meta.get("annotations") or {}
        self.spec = template["spec"]
        self.account = self.spec.get("serviceAccountName", "default")

    def ports(self):
        return [(p.get("name"), p["containerPort"]) for c in self.spec["containers"] for p in c.get("ports") or []]

    def port(self, target):
        if isinstance(target, int):
            return target
        return next((number for name, number in self.ports() if name == target), None)


class World:
    """All objects of one environment, with their namespaces filled in."""

    def __init__(self, objects):
        self.objects = objects
        self.namespaces = {o["metadata"]["name"]: o["metadata"].get("labels") or {} for o in self.of("Namespace")}
        self.pods = [Pod(o) for o in objects if "template" in (o.get("spec") or {})]
        self.services = self.of("Service")
        self.policies = self.of("AuthorizationPolicy")
        for p in self.policies:
            p["spec"] = p.get("spec") or {}

    def of(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    # who runs what

    def mode(self, pod):
        labels = self.namespaces.get(pod.namespace, {})
        if self.injected(pod, labels):
            return "sidecar"
        if pod.spec.get("hostNetwork"):
            return "none"
        mode = pod.labels.get("istio.io/dataplane-mode", labels.get("istio.io/dataplane-mode"))
        return "ambient" if mode == "ambient" else "none"

    @staticmethod
    def injected(pod, namespace):
        own = pod.labels.get("sidecar.istio.io/inject")
        if own == "false" or pod.spec.get("hostNetwork"):
            return False
        if own is None and pod.annotations.get("sidecar.istio.io/inject") == "false":
            return False
        if "istio-injection" in namespace:
            return namespace["istio-injection"] == "enabled"
        return bool(namespace.get("istio.io/rev")) or own == "true" or "istio.io/rev" in pod.labels

    def applying(self, kind, pod):
        """Objects without targetRefs that select a pod."""
        for o in self.of(kind):
            spec = o.get("spec") or {}
            if o["metadata"]["namespace"] in (pod.namespace, ROOT_NAMESPACE) and not self.targets(o) and \
                    selects((spec.get("selector") or {}).get("matchLabels") or {}, pod.labels):
                yield o

    @staticmethod
    def targets(o):
        spec = o.get("spec") or {}
        return spec.get("targetRefs") or ([spec["targetRef"]] if spec.get("targetRef") else [])

    def attached(self, kind, service, waypoint):
        """Objects whose targetRefs name a Service, its waypoint or the class of waypoints."""
        for o in self.of(kind):
            namespace = o["metadata"]["namespace"]
            for t in self.targets(o):
                place = (t["kind"], namespace, t["name"])
                if place in (("Service", service["metadata"]["namespace"], service["metadata"]["name"]),
                             ("Gateway",) + waypoint, ("GatewayClass", ROOT_NAMESPACE, "istio-waypoint")):
                    yield o
                    break

    def waypoint(self, service):
        """Namespace and name of the Gateway that a Service is bound to and that exists, or None."""
        namespace = service["metadata"]["namespace"]
        labels = service["metadata"].get("labels") or {}
        if "istio.io/use-waypoint" not in labels:
            labels = self.namespaces.get(namespace, {})
        name = labels.get("istio.io/use-waypoint", "none")
        place = (labels.get("istio.io/use-waypoint-namespace", namespace), name)
        for g in self.of("Gateway"):
            if name != "none" and (g["metadata"]["namespace"], g["metadata"]["name"]) == place and \
                    g["spec"].get("gatewayClassName") == "istio-waypoint" and self.admits(g, namespace):
                return place
        return None

    @staticmethod
    def admits(gateway, namespace):
        if gateway["metadata"]["namespace"] == namespace:
            return True
        for listener in gateway["spec"]["listeners"]:
            routes = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
            if routes.get("from") == "All":
                return True
            for e in (routes.get("selector") or {}).get("matchExpressions") or []:
                if e["key"] == "kubernetes.io/metadata.name" and namespace in e["values"]:
                    return True
        return False

    def ingress_uses_waypoint(self, service):
        labels = service["metadata"].get("labels") or {}
        key = "istio.io/ingress-use-waypoint"
        return labels.get(key, self.namespaces.get(service["metadata"]["namespace"], {}).get(key)) == "true"

    # mutual TLS

    def plaintext_refused(self, pod, port):
        """STRICT for this port of the pod: own policy before the namespace's before the mesh's."""
        scopes = [None, None, None]
        for o in self.applying("PeerAuthentication", pod):
            own = "selector" in o["spec"]
            scopes[0 if own else 1 if o["metadata"]["namespace"] == pod.namespace else 2] = o["spec"]
        mode = "UNSET"
        for spec in scopes:
            if spec and mode == "UNSET":
                mode = (spec.get("mtls") or {}).get("mode", "UNSET")
        exceptions = (scopes[0] or {}).get("portLevelMtls") or {}
        one = {int(k): v for k, v in exceptions.items()}.get(port, {}).get("mode", "UNSET")
        return (mode if one == "UNSET" else one) == "STRICT"

    # decisions

    def bypassed(self, pod, port):
        """Did the sidecar never see this port?"""
        ports = pod.annotations.get("traffic.sidecar.istio.io/excludeInboundPorts", "")
        return str(port) in [p.strip() for p in ports.split(",")]

    def at_pod(self, pod, port, who, ip, request, client=None):
        mode = self.mode(pod)
        if mode == "none" or (mode == "sidecar" and self.bypassed(pod, port)):
            return Decision(False, frozenset(), "")
        if who is None and self.plaintext_refused(pod, port):
            return Decision(True, frozenset(), "plaintext")
        policies = list(self.applying("AuthorizationPolicy", pod))
        if mode == "ambient":
            return ztunnel(policies, Seen(who, ip, port))
        return envoy(policies, list(self.applying("RequestAuthentication", pod)),
                     Seen(who, ip, port, request, client))

    def decide(self, caller, target, port, request):
        """{name of the pod: decision} for a Service and its port, or a Pod and a container's port."""
        if isinstance(target, Pod):
            return {target.name: self.at_pod(target, port, identity(caller), caller.ip, request)}
        namespace = target["metadata"]["namespace"]
        [entry] = [p for p in target["spec"]["ports"] if p["port"] == port]
        waypoint = self.waypoint(target)
        through = waypoint and (caller.mode == "ambient" or
                                (caller.mode == "gateway" and self.ingress_uses_waypoint(target)))
        first = Decision(False, frozenset(), "")
        who, ip = identity(caller), caller.ip
        if through:
            first = envoy(list(self.attached("AuthorizationPolicy", target, waypoint)),
                          list(self.attached("RequestAuthentication", target, waypoint)),
                          Seen(who, ip, port, request))
            who, ip = (waypoint[0], waypoint[1]), WAYPOINT_IP
        out = {}
        for pod in self.pods:
            if pod.namespace != namespace or not selects(target["spec"]["selector"], pod.labels):
                continue
            number = pod.port(entry.get("targetPort", port))
            if number is None:
                continue
            d = first if first.refused else self.at_pod(pod, number, who, ip, request, caller.ip)
            out[pod.name] = Decision(d.refused, frozenset() if d.refused else first.asked | d.asked,
                                     ("waypoint: " if first.refused else "") + d.why)
        return out
