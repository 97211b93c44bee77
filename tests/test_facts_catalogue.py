#!/usr/bin/env python3
"""Compare transforms/facts/*.def with the catalogue that they were made from.

The catalogue is ../shared/istio/catalogue.yaml, or istio/catalogue.yaml below $ISTIO_FIX_SHARED.
Without it, or without PyYAML, the test is skipped (77): the tables stand on their own.
What the tables add is named here: enum values, flags and bad values that the catalogue leaves open.
"""
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("ISTIO_FIX_SHARED") or ROOT.parent / "shared")
CATALOGUE = SHARED / "istio" / "catalogue.yaml"

TYPES = {
    "string": "STRING", "bool_exact": "BOOL_EXACT", "bool_go": "BOOL_GO", "bool_fold": "BOOL_FOLD",
    "presence": "PRESENCE", "uint": "UINT", "port": "PORT", "percent_int": "PERCENT",
    "enum": "ENUM",
    "timestamp": "TIMESTAMP", "host_port": "HOST_PORT", "image_ref": "IMAGE_REF",
    "label_value": "LABEL", "dns_label": "DNS_LABEL", "dns_name": "DNS_NAME",
    "configmap_name": "CONFIGMAP_NAME", "binding": "BINDING", "quantity": "QUANTITY",
    "duration_go": "DURATION_GO", "list_comma": "LIST", "port_list": "PORT_LIST",
    "cidr_list": "CIDR_LIST", "iface_list": "IFACE_LIST", "json": "JSON",
    "yaml_proxyconfig": "PROXYCONFIG",
}
BAD = {
    "none": "NOTHING", "ignored": "IGNORED", "ignored_warning": "IGNORED",
    "ignored_debug": "IGNORED", "namespace_default": "DEFAULT", "mesh_default": "DEFAULT",
    "reject_pod": "POD_REFUSED", "pod_stuck": "POD_BROKEN", "pod_broken": "POD_BROKEN",
    "proxy_fails": "POD_BROKEN", "reject_object": "OBJECT_REFUSED",
}
GROUPS = {
    "VirtualService": "networking.istio.io", "DestinationRule": "networking.istio.io",
    "Sidecar": "networking.istio.io", "RequestAuthentication": "security.istio.io",
    "Telemetry": "telemetry.istio.io", "HTTPRoute": "gateway.networking.k8s.io",
    "GRPCRoute": "gateway.networking.k8s.io",
    "XBackendTrafficPolicy": "gateway.networking.x-k8s.io",
}
MESSAGES = {
    "ProxyConfig message": "PROXYCONFIG", "proxyMetadata": "PROXYCONFIG",
    "MeshConfig message": "MESHCONFIG", "Pod annotation": "POD_ANNOTATIONS",
    "values (Helm, IstioOperator)": "VALUES",
}
TRAFFIC_POLICIES = [prefix + suffix
                    for prefix in ("spec.trafficPolicy", "spec.subsets[].trafficPolicy")
                    for suffix in ("", ".portLevelSettings[]")]
BOUNDS = {None: "0", "0s": "0", "1ms": "MS", "1s": "S"}

# What we know beyond the catalogue.
EXTRA_VALUES = {"istio-injection": "enabled,disabled"}
EXTRA_FLAGS = {
    "galley.istio.io/analyze-suppress": {"UNTRIMMED"},
    "topology.istio.io/controlPlaneClusters": {"UNTRIMMED"},
    "networking.istio.io/traffic-distribution": {"FOLD"},
}
EXTRA_WORKLOADS = {("extensions", kind): (["spec.template.metadata"], ["metadata"])
                   for kind in ("Deployment", "DaemonSet", "ReplicaSet")}
FIELD_VALUES = {
    "tracingServiceName":
        "APP_LABEL_AND_NAMESPACE,CANONICAL_NAME_ONLY,CANONICAL_NAME_AND_NAMESPACE",
    "controlPlaneAuthPolicy": "NONE,MUTUAL_TLS",
    "interceptionMode": "REDIRECT,TPROXY,NONE",
}

failures = []


def check(what, ours, theirs):
    if ours != theirs:
        failures.append(f"{what}: the table has {ours!r}, the catalogue {theirs!r}")


def cells(text):
    """Split the arguments of a macro; a nested macro stays one cell."""
    out, depth, quoted, cell = [], 0, False, ""
    for c in text:
        quoted ^= c == '"'
        if not quoted:
            depth += (c == "(") - (c == ")")
            if c == "," and not depth:
                out.append(cell.strip())
                cell = ""
                continue
        cell += c
    return out + [cell.strip()]


def rows(name, macro, width):
    text = (ROOT / "transforms" / "facts" / name).read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = []
    while text.strip():
        head = re.match(rf"\s*{macro}\(", text)
        if not head:
            raise SystemExit(f"{name}: not a row: {text.strip().splitlines()[0]}")
        depth, quoted, end = 1, False, head.end()
        while depth:
            quoted ^= text[end] == '"'
            if not quoted:
                depth += (text[end] == "(") - (text[end] == ")")
            end += 1
        row = cells(text[head.end():end - 1])
        if len(row) != width:
            raise SystemExit(f"{name}: {len(row)} cells, not {width}: {row}")
        found.append(row)
        text = text[end:]
    return found


def string(cell):
    return None if cell == "NULL" else re.fullmatch(r'"(.*)"', cell)[1]


def strings(cell):
    return re.findall(r'"([^"]*)"', cell)


def by_key(name, table, key):
    out = {}
    for row in table:
        if key(row) in out:
            failures.append(f"{name}: {key(row)} is there twice")
        out[key(row)] = row
    return out


def compare_sets(what, ours, theirs):
    for key in sorted(set(theirs) - set(ours)):
        failures.append(f"{what}: {key} is missing")
    for key in sorted(set(ours) - set(theirs)):
        failures.append(f"{what}: the catalogue has no {key}")
    return sorted(set(ours) & set(theirs))


def successor(entry):
    new = entry.get("replaced_by")
    return f'{new["kind"].upper()}("{new["key"]}")' if new else "NO_SUCCESSOR"


def keys(name, catalogued, uncatalogued):
    table = by_key(name, rows(name, "KEY", 8), lambda row: string(row[0]))
    known = {e["name"]: e for e in catalogued}
    extra = {e["name"]: e for e in uncatalogued}
    for key in compare_sets(name, table, {**known, **extra}):
        _, kinds, status, kind, bad, flags, values, new = table[key]
        entry = {**known, **extra}[key]
        tokens = entry.get("tokens", [])
        listed = ",".join(entry["values"]) if "values" in entry and kind == "ENUM" else None
        listed = EXTRA_VALUES.get(key, listed)
        want = {
            "DEPRECATED": entry.get("deprecated"), "HIDDEN": entry.get("hidden"),
            "SYSTEM": entry.get("set_by") == "system"
                      or "controller-written" in entry.get("source", ""),
            "UNUSED": entry.get("unused"), "UNCATALOGUED": key in extra,
            "CHECKED": entry.get("injector_checked"),
            "WILDCARD": entry.get("wildcard") or "*" in tokens,
            "OPEN": entry.get("open") or (kind == "ENUM" and not listed),
        }
        want = {flag for flag, on in want.items() if on} | EXTRA_FLAGS.get(key, set())
        check(f"{key} kinds", string(kinds), ",".join(entry["kinds"]))
        check(f"{key} status", string(status), entry.get("status", ""))
        check(f"{key} type", kind, TYPES[entry["value_type"]])
        check(f"{key} values", string(values), listed)
        check(f"{key} flags", set(flags.split(" | ")) - {"0"}, want)
        check(f"{key} successor", new, successor(entry))
        if "on_invalid" in entry:
            check(f"{key} bad", bad, BAD[entry["on_invalid"]])
        elif bad not in BAD.values():
            failures.append(f"{key}: unknown bad value {bad}")


def removed(catalogue):
    table = by_key("removed.def", rows("removed.def", "REMOVED", 4),
                   lambda row: (string(row[0]), string(row[1])))
    theirs = {(e["name"], e["sort"]): e for e in catalogue["removed"]}
    for key in compare_sets("removed.def", table, theirs):
        check(f"{key} last_seen", string(table[key][2]), str(theirs[key]["last_seen"]))
        check(f"{key} successor", table[key][3], successor(theirs[key]))


def workloads(catalogue):
    table = by_key("workloads.def", rows("workloads.def", "WORKLOAD", 4),
                   lambda row: (string(row[0]), string(row[1])))
    theirs = {(e["group"], e["kind"]): (e["paths"], e["inert"]) for e in catalogue["pod_metadata"]}
    theirs.update(EXTRA_WORKLOADS)
    for key in compare_sets("workloads.def", table, theirs):
        check(f"{key} paths", strings(table[key][2]), theirs[key][0])
        check(f"{key} inert", strings(table[key][3]), theirs[key][1])


def alternatives(path):
    braces = re.search(r"\{([^}]*)\}", path)
    if not braces:
        return [path]
    return [p for name in braces[1].split(",")
            for p in alternatives(path[:braces.start()] + name + path[braces.end():])]


def expand(entry, catalogue):
    """Paths of one row of the catalogue, each with the row that has its bounds."""
    shared = [e for e in catalogue["duration_fields"]
              if e["in"] == "DestinationRule" and e["path"].startswith("{tp}.")]
    for path in alternatives(entry["path"].replace("{tp}", "\0")):
        if path.endswith(".*"):
            # inboundConnectionPool is a connectionPool too
            outlier = path[:-2].endswith("outlierDetection")
            message = "outlierDetection" if outlier else "connectionPool"
            for leaf in shared:
                if leaf["path"].startswith(f"{{tp}}.{message}."):
                    yield path[:-2] + leaf["path"][len(f"{{tp}}.{message}"):], leaf
        elif "\0" in path:
            for policy in TRAFFIC_POLICIES:
                yield path.replace("\0", policy), entry
        else:
            yield path, entry


def durations(catalogue):
    table = by_key("durations.def", rows("durations.def", "DURATION", 8),
                   lambda row: (row[0], string(row[6])))
    theirs = {}
    for entry in catalogue["duration_fields"]:
        place = entry["in"]
        message = MESSAGES.get(place) or f'RESOURCE("{GROUPS[place]}", "{place}")'
        for path, bounds in expand(entry, catalogue):
            if place == "proxyMetadata":
                path = "proxyMetadata." + path
            theirs[message, path] = bounds
    for key in compare_sets("durations.def", table, theirs):
        _, grammar, zero, low, high, precision, _, note = table[key]
        entry = theirs[key]
        hour = "at most 1h" in (entry["note"] or "")
        check(f"{key} grammar", grammar, entry["grammar"].upper())
        check(f"{key} zero", zero,
              {True: "OK", False: "REFUSED", None: "UNCHECKED"}[entry["zero_ok"]])
        check(f"{key} min", low, BOUNDS[entry["min"]])
        check(f"{key} max", high, "H" if hour else "0")
        check(f"{key} precision", precision, BOUNDS[entry["precision"]])
        check(f"{key} note", string(note), entry["note"])


def proxyconfig(catalogue):
    table = by_key("proxyconfig.def", rows("proxyconfig.def", "FIELD", 6),
                   lambda row: string(row[0]))
    theirs = {e["name"]: e
              for part in ("proxyconfig_fields", "proxyconfig_removed") for e in catalogue[part]}
    for key in compare_sets("proxyconfig.def", table, theirs):
        _, kind, deprecated, gone, new, values = table[key]
        entry = theirs[key]
        check(f"{key} type", string(kind), entry["type"])
        check(f"{key} deprecated", deprecated, str(entry.get("deprecated", False)).lower())
        check(f"{key} removed_in", string(gone), entry.get("removed_in"))
        check(f"{key} replaced_by", string(new), entry.get("replaced_by"))
        check(f"{key} values", string(values), FIELD_VALUES.get(key))


def main():
    try:
        import yaml
    except ImportError:
        print("skipped: PyYAML is not installed")
        return 77
    if not CATALOGUE.is_file():
        print(f"skipped: there is no {CATALOGUE} (ISTIO_FIX_SHARED names another place)")
        return 77
    catalogue = yaml.safe_load(CATALOGUE.read_text())
    keys("annotations.def", catalogue["annotations"], catalogue["uncatalogued_annotations"])
    keys("labels.def", catalogue["labels"], catalogue["uncatalogued_labels"])
    removed(catalogue)
    workloads(catalogue)
    durations(catalogue)
    proxyconfig(catalogue)
    for failure in failures:
        print(failure)
    print(f"{len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
