#!/usr/bin/env python3
"""Two rules on one place never corrupt it.

    test_pairs.py               every pair of rules, then all of them, on the manifests of testdata/pairs
    test_pairs.py RULE [RULE]   the pairs with this rule, or this pair

Each pair fixes a copy of all the manifests in one run with `--level all`. The result must be a fixed point, it must parse,
the oracle must find nothing that the report does not declare, and it must be what the two rules come to when they are applied
one after the other, in one order or the other, until nothing changes.

The manifests have to be rich enough: a pair of rules that can meet in one object has to be found there in one object, each
rule by itself. OBJECTS says on what each of them acts.

Environment: ISTIO_FIX (ctest sets it). Exit 77: no tool, or no PyYAML.
"""
import concurrent.futures
import functools
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import coverage_facts as facts  # noqa: E402
from oracle import shared  # noqa: E402

shared.need_yaml()
import yaml  # noqa: E402
from oracle import proof  # noqa: E402

MANIFESTS = os.path.join(facts.ROOT, "testdata", "pairs")
ROUNDS = 12  # until a fixed point must be there
BUG = re.compile(r"internal error|please report|proof failed|AddressSanitizer|runtime error:|Assertion", re.I)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

POD, NAMESPACE, MESH = "pod", "Namespace", "mesh"
ANY = {POD, NAMESPACE, MESH, "Service", "Ingress", "Gateway", "ServiceEntry", "route", "AuthorizationPolicy",
       "RequestAuthentication", "Telemetry"}
OBJECTS = {  # a rule that is not here acts on pods
    "duplicate-key": ANY, "metadata-value-type": ANY, "misspelt-key": ANY, "wrong-metadata-map": ANY,
    "annotation-value": ANY, "inject-value": {POD, NAMESPACE}, "proxyconfig-unknown-field": {POD, MESH},
    "proxyconfig-type": {POD, MESH}, "proxyconfig-removed-field": {POD, MESH}, "drain-settings": {POD, MESH},
    "duration": {POD, MESH, "route", "RequestAuthentication"},
    "deprecated-annotation": {POD, "Service"},
    "injection-conflict": {NAMESPACE}, "waypoint-label": {POD, NAMESPACE, "Service", "Gateway", "ServiceEntry"},
    "policy-target": {"AuthorizationPolicy", "RequestAuthentication"}, "deprecated-field": {"route", "AuthorizationPolicy"},
    "port-protocol": {"Service"},
    "suppression": set(),  # about comments, wherever they are
    "api-version": {"route", "ServiceEntry", "AuthorizationPolicy", "RequestAuthentication", "Telemetry"},
}
# They come to one object, but never at the same time: one is silent until the other has done its work.
BY_TURNS = {
    ("inject-value", "injection-conflict"),  # a value that is neither word injects nothing
}
ANSWERS = ["port-protocol=http"]  # what is recommended there is to do nothing


class Bad(Exception):
    pass


# ---- one run -----------------------------------------------------------------------------------------------------


def manifests():
    out = {}
    for name in sorted(os.listdir(MANIFESTS)):
        with open(os.path.join(MANIFESTS, name), "rb") as file:
            out[name] = file.read()
    return tuple(out.items())


@functools.lru_cache(None)
def run(tool, rules, files, *options):
    """The files as these rules leave them, and the report."""
    with tempfile.TemporaryDirectory() as base:
        for name, data in files:
            with open(os.path.join(base, name), "wb") as file:
                file.write(data)
        done = subprocess.run([tool, "-s", rules, "-f", "json", *options, "."], cwd=base, capture_output=True, timeout=60,
                              check=False)
        err = done.stderr.decode("utf-8", "replace")
        if done.returncode not in (0, 1) or BUG.search(err):
            raise Bad(f"exit code {done.returncode}\n{err}")
        after = []
        for name, _ in files:
            with open(os.path.join(base, name), "rb") as file:
                after.append((name, file.read()))
        left = sorted(set(os.listdir(base)) - {name for name, _ in files})
        if left:
            raise Bad(f"leaves {', '.join(left)} behind")
    results = json.loads(done.stdout)["results"]
    for result in results:
        result["path"] = os.path.normpath(result["path"])
    return tuple(after), results


def fix(tool, rules, files, level="all"):
    options = ["-i", "--level", level]
    for answer in ANSWERS:
        if answer.partition("=")[0] in rules.split(","):
            options += ["--choose", answer]
    return run(tool, rules, files, *options)


@functools.lru_cache(None)
def settle(tool, first, second, files):
    """One rule, the other, the first again, until nothing changes."""
    for turn in range(ROUNDS):
        after, _ = fix(tool, (first, second)[turn % 2], files)
        if after == files and turn:
            return files
        files = after
    raise Bad(f"{first}, {second} by turns do not come to an end")


@functools.lru_cache(None)
def parses(name, data):
    try:
        if name.endswith(".json"):
            json.loads(data)
        else:
            list(yaml.load_all(data.decode("utf-8"), Loader=LOADER))
    except (ValueError, yaml.YAMLError) as e:
        return str(e)
    return ""


@functools.lru_cache(None)
def judge(before, after, operations, path):
    """What the oracle says against the pair of texts."""
    verdict = proof.check(before, after, {"results": json.loads(operations)}, path)
    return "" if verdict.ok or not verdict.checkable else verdict.human()


def changed(before, after):
    return [(name, old, new) for (name, old), (_, new) in zip(before, after) if old != new]


def show(before, after):
    import difflib
    out = []
    for name, old, new in changed(before, after):
        out += difflib.unified_diff(old.decode().splitlines(), new.decode().splitlines(), name, name, lineterm="", n=2)
    return "\n".join("    " + line for line in out[:60])


def check(tool, rules, files, level="all"):
    """Run the rules together; what is wrong with the result, as (rules, trouble)."""
    bad, what = [], " + ".join(rules) if len(rules) < 3 else f"all rules, --level {level}"
    try:
        after, results = fix(tool, ",".join(rules), files, level)
        again, _ = fix(tool, ",".join(rules), after, level)
    except Bad as e:
        return [(what, str(e))]
    if again != after:
        bad.append((what, f"a second run changes it again\n{show(after, again)}"))
    for name, old, new in changed(files, after):
        trouble = parses(name, new)
        if trouble:
            bad.append((what, f"{name} does not parse any more: {trouble}\n{show(files, after)}"))
            continue
        mine = json.dumps([r for r in results if r["path"] == name])
        trouble = judge(old, new, mine, name)
        if trouble:
            bad.append((what, f"{name}: the oracle: {trouble}\n{show(((name, old),), ((name, new),))}"))
    if len(rules) == 2 and again == after:
        try:
            if not any(settle(tool, *order, files) == after for order in (rules, rules[::-1])):
                bad.append((what, f"together they make something else than by turns\n{show(settle(tool, *rules, files), after)}"))
        except Bad as e:
            bad.append((what, str(e)))
    return bad


# ---- do the manifests have every pair? ---------------------------------------------------------------------------


def meetings(tool, rules, files):
    """The pairs that are found in one object, each rule by itself."""
    at = {}
    for rule in rules:
        for r in run(tool, rule, files)[1]:
            at.setdefault((r["path"], r["document"], r["kind"], r["name"]), set()).add(rule)
    return {pair for found in at.values() for pair in itertools.combinations([r for r in rules if r in found], 2)}


def lacking(tool, rules, files):
    there = meetings(tool, rules, files)
    bad = [(f"{a} + {b}", "no object of testdata/pairs in which both find something")
           for a, b in itertools.combinations(rules, 2)
           if OBJECTS.get(a, {POD}) & OBJECTS.get(b, {POD}) and (a, b) not in there and (a, b) not in BY_TURNS]
    bad += [(f"{a} + {b}", "they do meet: correct OBJECTS") for a, b in there
            if not OBJECTS.get(a, {POD}) & OBJECTS.get(b, {POD}) or (a, b) in BY_TURNS]
    return bad


def main():
    tool, rules, files = shared.tool(), facts.rules(), manifests()
    chosen = sys.argv[1:]
    bad = [(name, f"does not parse: {parses(name, data)}") for name, data in files if parses(name, data)]
    pairs = [pair for pair in itertools.combinations(rules, 2) if set(chosen[:2]) <= set(pair)]
    if not chosen:
        bad += lacking(tool, rules, files)
        for level in ("safe", "repair", "all"):
            bad += check(tool, tuple(rules), files, level)
    parts = [pairs[i::2] for i in range(2)]  # two processes
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        for found in pool.map(functools.partial(check_all, tool, files), parts):
            bad += found
    tell(bad)
    if not bad:
        print(f"{len(pairs)} pairs hold")
    sys.exit(1 if bad else 0)


def tell(bad):
    """One bug shows in many pairs: each trouble once, with all that have it."""
    same = {}
    for what, trouble in bad:
        errors = re.findall(r"^  error: .*", trouble, re.M)
        same.setdefault("\n".join(errors) or trouble, []).append((what, trouble))
    for found in same.values():
        what, trouble = found[0]
        print(f"{what}: {trouble}")
        if len(found) > 1:
            print(f"    and {len(found) - 1} more: " + "; ".join(sorted({w for w, _ in found[1:]})[:5]))
        print()


def check_all(tool, files, pairs):
    return [trouble for pair in pairs for trouble in check(tool, pair, files)]


if __name__ == "__main__":
    main()
