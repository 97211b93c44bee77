"""For a rule and a key: a manifest in which the rule has to act on the key, and one in which it must not.

Each rule has a generator. It takes a key of transforms/facts/ (or a field of ProxyConfig) and gives a Case, or None
where the rule has nothing to do with the key. What it writes follows from what is known about the key (its objects,
its values, its successor), never from what the tool says.

    Case(acting, resting, becomes)   becomes: the fix makes exactly `resting` of `acting`

`@NS@` in a manifest is a namespace that no other case has.
"""
from typing import NamedTuple


class Case(NamedTuple):
    acting: str
    resting: str
    becomes: bool = False
    about: tuple = ()  # what the finding names; the key's own name unless said


class Field(NamedTuple):
    """A field of ProxyConfig that the seed names; `value` is a good one."""
    name: str
    value: str
    slip: str = ""
    sort: str = "ProxyConfig"


INJECT, REV, MODE, INJECTION = "sidecar.istio.io/inject", "istio.io/rev", "istio.io/dataplane-mode", "istio-injection"
STATUS, CONFIG = "sidecar.istio.io/status", "proxy.istio.io/config"

# ---- manifests ---------------------------------------------------------------------------------------------------

VERSIONS = {
    "AuthorizationPolicy": "security.istio.io/v1", "BackendTLSPolicy": "gateway.networking.k8s.io/v1",
    "ConfigMap": "v1", "Deployment": "apps/v1", "EnvoyFilter": "networking.istio.io/v1alpha3",
    "Gateway": "gateway.networking.k8s.io/v1", "GatewayClass": "gateway.networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2", "Ingress": "networking.k8s.io/v1",
    "IstioOperator": "install.istio.io/v1alpha1", "MutatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
    "Namespace": "v1", "Node": "v1", "Pod": "v1", "PodDisruptionBudget": "policy/v1", "Service": "v1",
    "ServiceAccount": "v1", "ServiceEntry": "networking.istio.io/v1", "WorkloadEntry": "networking.istio.io/v1",
    "XBackendTrafficPolicy": "gateway.networking.x-k8s.io/v1alpha1",
}
CLUSTER_WIDE = ("GatewayClass", "MutatingWebhookConfiguration", "Namespace", "Node")


def entries(indent, name, lines):
    if not lines:
        return ""
    pad = " " * indent
    return f"{pad}{name}:\n" + "".join(f"{pad}  {x}\n" for line in lines for x in line.split("\n"))


def thing(kind, labels=(), annotations=(), rest=""):
    """An object with these entries on its own metadata."""
    where = "" if kind in CLUSTER_WIDE else "  namespace: @NS@\n"
    name = "@NS@" if kind == "Namespace" else "thing"
    return (f"apiVersion: {VERSIONS[kind]}\nkind: {kind}\nmetadata:\n  name: {name}\n{where}"
            + entries(2, "labels", labels) + entries(2, "annotations", annotations) + rest)


def workload(labels=(), annotations=(), own_labels=(), own_annotations=(), kind="Deployment", image="thing:1", name="thing"):
    """A Deployment with these entries on its pods."""
    return (f"apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: thing\n  namespace: @NS@\n"
            + entries(2, "labels", own_labels) + entries(2, "annotations", own_annotations)
            + "spec:\n  selector:\n    matchLabels:\n      app: thing\n  template:\n    metadata:\n"
            + entries(6, "labels", ("app: thing",) + tuple(labels)) + entries(6, "annotations", annotations)
            + f"    spec:\n      containers:\n      - name: {name}\n        image: {image}\n")


def join(*docs):
    return "---\n".join(docs)


def namespace(*labels):
    return thing("Namespace", labels)


def waypoint(name="waypoint", *labels):
    return thing("Gateway", labels, rest="spec:\n  gatewayClassName: istio-waypoint\n  listeners:\n  - name: mesh\n"
                 "    port: 15008\n    protocol: HBONE\n").replace("name: thing", f"name: {name}")


def config(text, indent="  "):
    return f"{CONFIG}: |\n" + "\n".join(indent + line for line in text.rstrip("\n").split("\n"))


# Where keys were meant to stand that are in no catalogue any more; pods have the others.
REMOVED_HOMES = {"istio.io/use-waypoint": "Service", "istio.io/waypoint-for": "Gateway",
                 "networking.istio.io/gatewayPort": "Service"}


def home(key):
    if key.removed:
        return REMOVED_HOMES.get(key.name, "Pod")
    return "ConfigMap" if "Any" in key.kinds else key.kinds[0]


def at_home(key, *lines, sort=None):
    """The lines among the labels or annotations of an object that the key is for."""
    labels = (sort or key.sort) == "label"
    extra = (lines, ()) if labels else ((), lines)
    if home(key) == "Pod":
        return workload(*extra)
    return thing(home(key), *extra)


# ---- values ------------------------------------------------------------------------------------------------------

BY_TYPE = {
    # good, bad, what the bad one becomes; None: only reported
    "BOOL_EXACT": ("true", "yes", "true"), "BOOL_GO": ("true", "yes", "true"), "BOOL_FOLD": ("true", "yes", "true"),
    "UINT": ("10", "ten", None), "PORT": ("15020", "70000", None), "PERCENT": ("20", "20%", "20"),
    "HOST_PORT": ("istiod.istio-system.svc:15012", "istiod.istio-system.svc", None),
    "IMAGE_REF": ("registry.example/istio/proxyv2:1.30", "registry.example/istio/proxy v2", None),
    "LABEL": ("east-1", "east 1", None), "DNS_LABEL": ("east-1", "east 1", None), "DNS_NAME": ("east-1", "east 1", None),
    "CONFIGMAP_NAME": ("bootstrap", "boot strap", None), "BINDING": ("PROXY/15088", "TUNNEL", None),
    "QUANTITY": ("100m", "lots", None), "DURATION_GO": ("5s", "5", "5s"),
    "PORT_LIST": ("80,81", "80,web", None), "CIDR_LIST": ("10.0.0.0/8,172.16.0.0/12", "10.0.0.0/8, 172.16.0.0/12",
                                                          "10.0.0.0/8,172.16.0.0/12"),
    "IFACE_LIST": ("eth1,net1", "eth1,not-an-interface", None), "TIMESTAMP": ("2026-01-02T03:04:05Z", "", None),
    "LIST": ("one,two", "", None), "STRING": ("east-1", "", None), "PRESENCE": ("yes", "", None),
    "JSON": ('{"a":"b"}', "{]", None),
}
# Readers of JSON want a shape of their own.
JSON = {"sidecar.istio.io/statsHistogramBuckets": '{"istiocustom":[1,5,10]}',
        "sidecar.istio.io/userVolume": '[{"name":"certs","emptyDir":{}}]',
        "sidecar.istio.io/userVolumeMount": '[{"name":"certs","mountPath":"/certs"}]'}


def good(key):
    if key.removed:
        return "80" if "Port" in key.name else "10.0.0.0/8" if "IPRanges" in key.name else "east-1"
    if "Memory" in key.name:
        return "128Mi"
    if key.type == "ENUM":
        return key.values[0] if key.values else "EAST"
    return JSON.get(key.name) or BY_TYPE[key.type][0]


def bad(key):
    """A value that the key's reader does not take, and what it can only mean (None: only a person knows)."""
    if key.type == "ENUM" and "OPEN" not in key.flags:
        value = key.values[0]
        other = value.lower() if value.lower() != value else value.upper()
        return ("sometimes", None) if "FOLD" in key.flags else (other, value)
    if key.type == "LIST" and "UNTRIMMED" in key.flags:
        return "one, two", "one,two"
    if key.type in BY_TYPE and BY_TYPE[key.type][1]:
        return BY_TYPE[key.type][1:]
    # Whatever reads it: a label has no blanks.
    return ("east 1", None) if key.sort == "label" else (None, None)


def pair(key, value):
    if key.type == "PROXYCONFIG":
        return config("concurrency: 2")
    return f"{key.name}: " + (f"'{value}'" if '"' in value else f'"{value}"')


def entry(key):
    return pair(key, good(key) if key.type != "PROXYCONFIG" else "")


def is_istios(key):
    domain = key.name.partition("/")[0]
    return domain == "istio.io" or domain.endswith(".istio.io") or key.name == INJECTION


def is_for_pods_alone(key):
    return key.kinds == ("Pod",) and not key.system


# ---- the rules: values -------------------------------------------------------------------------------------------


def metadata_value_type(key):
    # The injector's status makes the dump of a running pod of it: told, and left as it is.
    return Case(at_home(key, f"{key.name}: 7"), at_home(key, f'{key.name}: "7"'), becomes=key.name != STATUS)


def inject_value(key):
    if key.name == INJECTION:
        return Case(namespace(f'{INJECTION}: "off"'), namespace(f'{INJECTION}: "disabled"'), becomes=True)
    if key.name == INJECT:
        return Case(at_home(key, f'{INJECT}: "no"'), at_home(key, f'{INJECT}: "false"'), becomes=True)
    return None


# Others know these better: switches of injection, and what a waypoint is for.
NOT_VALUES = (INJECT, INJECTION, "istio.io/waypoint-for")


def annotation_value(key):
    if key.removed or key.name in NOT_VALUES or key.type == "DURATION_GO" or "UNUSED" in key.flags:
        return None
    if key.system:
        # Somebody wrote down what Istio tells. Objects that Istio made have it from Istio; a pod's revision belongs to
        # rev-annotation, and what has a status is the dump of a running pod.
        if key.sort == "label" or key.name in (REV, STATUS, "gateway.istio.io/controller-version"):
            return None
        acting, managed = at_home(key, entry(key)), ("gateway.istio.io/managed: istio.io-gateway-controller",)
        resting = (workload((), [entry(key)], own_labels=managed) if home(key) == "Pod"
                   else thing(home(key), managed, [entry(key)]))
        return Case(acting, resting)
    if key.type == "PROXYCONFIG":
        return Case(at_home(key, f"{CONFIG}: just text"), at_home(key, config("concurrency: 2")))
    wrong, means = bad(key)
    if not wrong:
        return None
    return Case(at_home(key, pair(key, wrong)), at_home(key, pair(key, means or good(key))), becomes=bool(means))


def proxyconfig_unknown_field(key):
    if key.sort == "ProxyConfig":
        if not key.slip:
            return None
        return Case(workload((), [config(f"{key.slip}: {key.value}")]), workload((), [config(f"{key.name}: {key.value}")]),
                    becomes=True)
    if key.type != "PROXYCONFIG":
        return None
    return Case(at_home(key, config("concurency: 2")), at_home(key, config("concurrency: 2")), becomes=True,
                about=("concurency",))


def proxyconfig_type(key):
    if key.name == "configPath":
        return Case(workload((), [config("configPath: 7")]), workload((), [config('configPath: "7"')]), becomes=True)
    if key.name == "EXIT_ON_ZERO_ACTIVE_CONNECTIONS":
        before = config(f"proxyMetadata:\n  {key.name}: true")
        return Case(workload((), [before]), workload((), [before.replace("true", '"true"')]), becomes=True)
    if key.sort == "ProxyConfig" or key.type != "PROXYCONFIG":
        return None
    return Case(at_home(key, config('holdApplicationUntilProxyStarts: "true"')),
                at_home(key, config("holdApplicationUntilProxyStarts: true")), becomes=True,
                about=("holdApplicationUntilProxyStarts",))


def duration(key):
    if key.name == "MINIMUM_DRAIN_DURATION":
        return Case(workload((), [config(f'proxyMetadata:\n  {key.name}: "45"')]),
                    workload((), [config(f'proxyMetadata:\n  {key.name}: "45s"')]), becomes=True)
    if key.sort == "ProxyConfig":
        if key.name not in ("drainDuration", "terminationDrainDuration"):
            return None
        return Case(workload((), [config(f"{key.name}: 45")]), workload((), [config(f"{key.name}: 45s")]), becomes=True)
    if key.type == "PROXYCONFIG":
        return Case(at_home(key, config("drainDuration: 45")), at_home(key, config("drainDuration: 45s")), becomes=True,
                    about=("drainDuration",))
    if key.type != "DURATION_GO":
        return None
    return Case(at_home(key, pair(key, "5")), at_home(key, pair(key, "5s")), becomes=True)


def proxyconfig_removed_field(key):
    old = config("concurrency: 2\nparentShutdownDuration: 80s")
    case = Case(workload((), [old]), workload((), [config("concurrency: 2")]), becomes=True, about=("parentShutdownDuration",))
    return case if key.name in (CONFIG, "parentShutdownDuration") else None


# ---- the rules: places -------------------------------------------------------------------------------------------


def misplaced_annotation(key):
    if key.sort != "annotation" or not is_for_pods_alone(key):
        return None
    return Case(workload(own_annotations=[entry(key)]), workload(annotations=[entry(key)]), becomes=True)


# They name rather than switch: people list workloads by them, so they stay where they are as well.
NAMES = ("service.istio.io/", "topology.istio.io/", "istio-locality")


def misplaced_label(key):
    # The revision among a workload's own labels tells who it belongs to.
    if key.sort != "label" or "Pod" not in key.kinds or key.system or key.name == REV:
        return None
    label = f"{key.name}: {good(key)}" if key.name.startswith(NAMES) else entry(key)
    stays = [label] if key.name.startswith(NAMES) else []
    return Case(workload(own_labels=[label]), workload([label], own_labels=stays), becomes=True)


def wrong_metadata_map(key):
    other = "annotation" if key.sort == "label" else "label"
    if key.name in (INJECT, REV) or not is_istios(key) and key.name != "istio-locality":
        return None
    if key.removed:
        # An annotation once, a label of that name today; not if Istio writes it itself.
        if key.successor != ("LABEL", key.name) or key.name == "security.istio.io/tlsMode":
            return None
        value = "service" if key.name == "istio.io/waypoint-for" else good(key)
        return Case(at_home(key, pair(key, value)), at_home(key, pair(key, value), sort=other), becomes=True)
    if key.system and (key.sort == "label" or "Any" in key.kinds):
        return None
    return Case(at_home(key, entry(key), sort=other), at_home(key, entry(key)), becomes=not key.system)


def rev_annotation(key):
    if (key.sort, key.name) != ("annotation", REV):
        return None
    return Case(workload(annotations=[f"{REV}: stable"]), workload(labels=[f"{REV}: stable"]), becomes=True)


def inject_annotation(key):
    if (key.sort, key.name) != ("annotation", INJECT):
        return None
    return Case(workload(annotations=[f'{INJECT}: "false"']), workload(labels=[f'{INJECT}: "false"']), becomes=True)


def deprecated_annotation(key):
    """Deprecated by the catalogue, or, for an Ingress, by Kubernetes."""
    if key.sort != "annotation" or key.name == INJECT:
        return None
    if key.name == "kubernetes.io/ingress.class":
        return Case(thing("Ingress", (), [f"{key.name}: istio"]), thing("Ingress", rest="spec:\n  ingressClassName: istio\n"))
    if "DEPRECATED" not in key.flags:
        return None
    if key.name == "sidecar.istio.io/statsCompression":  # on by default today
        return Case(at_home(key, entry(key), "team: shop"), at_home(key, "team: shop"), becomes=True)
    sort, heir = key.successor or (None, None)
    if sort == "ANNOTATION":
        return Case(at_home(key, entry(key)), at_home(key, entry(key).replace(key.name, heir)), becomes=True)
    if sort == "PROXYCONFIG":
        message, _, field = heir.rpartition(".")
        value = good(key) if key.type != "LIST" else "[" + ", ".join(good(key).split(",")) + "]"
        text = f"{message}:\n  {field}: {value}" if message else f"{field}: {value}"
        return Case(at_home(key, entry(key)), at_home(key, config(text)), becomes=True)
    return Case(at_home(key, entry(key)), at_home(key))


def proxy_resources(key):
    names = [f"sidecar.istio.io/proxy{x}" for x in ("CPU", "CPULimit", "Memory", "MemoryLimit")]
    if key.name == "sidecar.istio.io/proxyImage":
        return Case(workload((), [f"{key.name}: foo-envoy"]), workload((), [f"{key.name}: registry.example/foo-envoy"]))
    if key.name not in names:
        return None
    values = dict(zip(names, ("100m", "1", "128Mi", "1Gi")))
    return Case(workload((), [pair(key, values[key.name])]), workload((), [f'{n}: "{v}"' for n, v in values.items()]))


def drain_settings(key):
    on = 'proxyMetadata:\n  EXIT_ON_ZERO_ACTIVE_CONNECTIONS: "true"'
    cases = {
        "terminationDrainDuration": (f"terminationDrainDuration: 20s\n{on}", "terminationDrainDuration: 20s"),
        "EXIT_ON_ZERO_ACTIVE_CONNECTIONS": (f"terminationDrainDuration: 20s\n{on}", on),
        "MINIMUM_DRAIN_DURATION": (f"{on}\n  MINIMUM_DRAIN_DURATION: 60s", f"{on}\n  MINIMUM_DRAIN_DURATION: 20s"),
        "drainDuration": ("drainDuration: 25s\nterminationDrainDuration: 20s",
                          "drainDuration: 15s\nterminationDrainDuration: 20s"),
    }
    cases[CONFIG] = cases["terminationDrainDuration"]
    if key.name not in cases:
        return None
    about = ("terminationDrainDuration",) if key.name == CONFIG else ()
    return Case(*(workload((), [config(text)]) for text in cases[key.name]), about=about)


# ---- the rules: names --------------------------------------------------------------------------------------------


def duplicate_key(key):
    return Case(at_home(key, f'{key.name}: "one"', f'{key.name}: "two"'), at_home(key, f'{key.name}: "two"'))


# Installers' own books.
BOOKS = ("operator.istio.io/", "install.operator.istio.io/")


def misspelt_key(key):
    """A letter is missing in the name; or the key is one that was given up."""
    if key.removed:
        sort, heir = key.successor or ("", "")
        if heir == key.name and key.name != "security.istio.io/tlsMode":
            return None  # the name is right, the map is not
        acting = at_home(key, pair(key, good(key)))
        if sort == "ANNOTATION":
            return Case(acting, acting.replace(key.name, heir), becomes=True)
        if sort == "PROXYCONFIG":
            return Case(acting, workload((), [config(f"{heir}: NONE")]))
        return Case(acting, at_home(key))
    if not is_istios(key) or key.name == INJECTION or key.name.startswith(BOOKS):
        return None  # without a domain a slip is nobody's
    domain, slash, name = key.name.rpartition("/")
    slip = domain + slash + name[:2] + name[3:]
    right = entry(key) if key.name != "istio.io/waypoint-for" else f"{key.name}: service"
    # Of short names it is not certain; and what only Istio writes, or nothing reads, is not worth a new name.
    certain = len(name) >= 5 and not key.system and "UNUSED" not in key.flags
    return Case(at_home(key, right.replace(key.name, slip)), at_home(key, right), becomes=certain, about=(slip,))


# ---- the rules: what labels add up to ----------------------------------------------------------------------------


def injection_conflict(key):
    if key.sort != "label":
        return None
    labels = {INJECTION: (f"{REV}: default", f"{INJECTION}: enabled"), REV: (f"{INJECTION}: enabled", f"{REV}: canary"),
              MODE: (f"{INJECTION}: enabled", f"{MODE}: none")}.get(key.name)
    return labels and Case(namespace(*labels), namespace(labels[0]), becomes=True)


def ambient_conflict(key):
    if key.sort != "label":
        return None
    if key.name == MODE:  # the pod asks for both; the sidecar is what it gets
        return Case(workload([f'{INJECT}: "true"', f"{MODE}: ambient"]), workload([f'{INJECT}: "true"']), becomes=True)
    if key.name in (INJECT, REV):
        asks = f'{key.name}: "true"' if key.name == INJECT else f"{REV}: canary"
        return Case(join(namespace(f"{MODE}: ambient"), workload([asks])), join(namespace(f"{MODE}: ambient"), workload()))
    return None


def waypoint_label(key):
    if key.sort != "label":
        return None
    if key.name == "istio.io/use-waypoint":
        return Case(join(waypoint(), thing("Service", [f"{key.name}: waypiont"])),
                    join(waypoint(), thing("Service", [f"{key.name}: waypoint"])), about=("waypiont",))
    if key.name == "istio.io/use-waypoint-namespace":
        return Case(thing("Service", [f"{key.name}: @NS@"]),
                    join(waypoint(), thing("Service", [f"{key.name}: @NS@", "istio.io/use-waypoint: waypoint"])))
    if key.name == "istio.io/waypoint-for":
        return Case(waypoint("waypoint", f"{key.name}: services"), waypoint("waypoint", f"{key.name}: service"), becomes=True)
    return None


def policy_target(key):
    if (key.sort, key.name) != ("label", "gateway.networking.k8s.io/gateway-name"):
        return None
    head, rules = thing("AuthorizationPolicy"), "  action: DENY\n  rules:\n  - {}\n"
    return Case(head + f"spec:\n  selector:\n    matchLabels:\n      {key.name}: waypoint\n" + rules,
                head + "spec:\n" + rules + "  targetRefs:\n  - group: gateway.networking.k8s.io\n    kind: Gateway\n"
                "    name: waypoint\n", about=("'waypoint'",))


def image_auto(key):
    if (key.sort, key.name) != ("label", INJECT):
        return None
    return Case(workload(image="auto", name="istio-proxy"), workload([f'{INJECT}: "true"'], image="auto", name="istio-proxy"),
                becomes=True)


def nothing(_):
    """Rules about fields of other resources or about comments, not about metadata."""


GENERATORS = {
    "metadata-value-type": metadata_value_type, "inject-value": inject_value, "annotation-value": annotation_value,
    "proxyconfig-unknown-field": proxyconfig_unknown_field, "proxyconfig-type": proxyconfig_type, "duration": duration,
    "proxyconfig-removed-field": proxyconfig_removed_field, "misplaced-annotation": misplaced_annotation,
    "misplaced-label": misplaced_label, "wrong-metadata-map": wrong_metadata_map, "rev-annotation": rev_annotation,
    "inject-annotation": inject_annotation, "deprecated-annotation": deprecated_annotation,
    "proxy-resources": proxy_resources, "drain-settings": drain_settings, "duplicate-key": duplicate_key,
    "misspelt-key": misspelt_key, "injection-conflict": injection_conflict, "ambient-conflict": ambient_conflict,
    "waypoint-label": waypoint_label, "policy-target": policy_target, "image-auto": image_auto,
    "deprecated-field": nothing, "port-protocol": nothing, "api-version": nothing, "suppression": nothing,
}
