#!/usr/bin/env python3
"""transforms/README.md says which rules look at which key; here each of its cells is run through the tool.

    test_coverage.py            the test
    test_coverage.py --write    write the tables of transforms/README.md

For each cell coverage_cases.py has two manifests: in one the rule must act on the key, in the other it must be silent.
All of a rule lie in one directory each, and the tool fixes the directory with that rule alone, `--level all`.

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import concurrent.futures
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import coverage_cases as cases  # noqa: E402
import coverage_facts as facts  # noqa: E402
from oracle import shared  # noqa: E402

README = os.path.join(facts.ROOT, "transforms", "README.md")
KEYS = facts.catalogue()
FIELDS = [cases.Field("configPath", "./etc", "configPth"), cases.Field("drainDuration", "45s", "drainDuraton"),
          cases.Field("parentShutdownDuration", "80s"), cases.Field("terminationDrainDuration", "5s", "terminationDrainDuraton"),
          cases.Field("EXIT_ON_ZERO_ACTIVE_CONNECTIONS", '"true"'), cases.Field("MINIMUM_DRAIN_DURATION", "5s")]
# Everything that the seed names, in its order.
SEED = ([("label", name) for name in (
    "istio-injection", "istio.io/rev", "istio.io/dataplane-mode", "istio.io/use-waypoint",
    "istio.io/use-waypoint-namespace", "istio.io/waypoint-for")]
    + [("annotation", "istio.io/rev"), ("annotation", "proxy.istio.io/config")] + [("ProxyConfig", f.name) for f in FIELDS]
    + [("annotation", f"sidecar.istio.io/{name}") for name in ("inject", "proxyCPU", "proxyImage", "proxyMemory")])
VERDICTS = ("fixed", "fixed, with a choice", "reported", "out of reach")
# FACTS 7.1: all that istioctl analyze may say; the others are retired, or were never used.
CODES = ["IST%04d" % n for n in [1, 2, 101, 102, 103, 106, 107, 108, 109, 110, 111, 112, 116, 118, 123]
         + list(range(125, 178))]
failures = []


def fail(text):
    failures.append(text)


# ---- the cells ---------------------------------------------------------------------------------------------------


def all_cells():
    """{rule: {(sort, name): Case}} for the rules that there are."""
    out = {}
    for rule in facts.rules():
        generate = cases.GENERATORS.get(rule)
        if not generate:
            fail(f"{rule}: tests/coverage_cases.py does not say which keys it is about")
            continue
        made = {(key.sort, key.name): generate(key) for key in KEYS}
        if rule.startswith("proxyconfig-") or rule in ("duration", "drain-settings"):
            made.update({(f.sort, f.name): generate(f) for f in FIELDS})
        out[rule] = {row: case for row, case in made.items() if case}
    return out


def run(tool, rule, manifests):
    """Fix a directory of manifests; what the report has and what the file is, for each."""
    with tempfile.TemporaryDirectory() as base:
        for name, text in manifests.items():
            with open(os.path.join(base, name), "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([tool, "-i", "-s", rule, "--level", "all", "-f", "json", "."], cwd=base,
                              capture_output=True, text=True, timeout=100, check=False)
        if done.returncode not in (0, 1) or done.stderr and "internal" in done.stderr:
            raise SystemExit(f"{rule}: exit code {done.returncode}\n{done.stderr}")
        found = {name: [] for name in manifests}
        for result in json.loads(done.stdout)["results"]:
            found[os.path.normpath(result["path"])].append(result)
        after = {}
        for name in manifests:
            with open(os.path.join(base, name), encoding="utf-8") as file:
                after[name] = file.read()
    return found, after


def speaks_of(result, name):
    operations = (result.get("fix") or {}).get("operations") or []
    return name in result["message"] or any(name in v for op in operations for v in op.values() if isinstance(v, str))


def said(results):
    return "".join(f"    it says: {r['message']}\n" for r in results)


def diff(a, b):
    return "".join(difflib.unified_diff(a.splitlines(True), b.splitlines(True), "is", "should be", n=3))


def check_rule(tool, rule, cells):
    out = []
    names = {row: f"ns-{i}" for i, row in enumerate(cells)}
    texts = [{names[row] + ".yaml": getattr(case, side).replace("@NS@", names[row]) for row, case in cells.items()}
             for side in ("acting", "resting")]
    found, after = run(tool, rule, texts[0])
    quiet, same = run(tool, rule, texts[1])
    for row, case in cells.items():
        name, what = names[row] + ".yaml", f"{rule} on the {row[0]} {row[1]}"
        about = case.about or (row[1],)
        if not any(speaks_of(r, a) for r in found[name] for a in about):
            out.append(f"{what}: does not act\n{said(found[name])}{texts[0][name]}")
        elif case.becomes and after[name] != texts[1][name]:
            out.append(f"{what}: does not become what it should\n{said(found[name])}{diff(after[name], texts[1][name])}")
        if quiet[name] or same[name] != texts[1][name]:
            out.append(f"{what}: does not rest\n{said(quiet[name])}{texts[1][name]}")
    return out


# ---- the tables --------------------------------------------------------------------------------------------------


def rules_of(cells, row):
    return [rule for rule, rows in cells.items() if row in rows]


def line(cells, row, *more):
    rules = rules_of(cells, row)
    if not rules:
        fail(f"{row[0]} {row[1]}: no rule looks at it")
    return "| " + " | ".join([f"`{row[1]}`", *more, ", ".join(rules)]) + " |"


def flags_of(key):
    out = [word.lower() for word in ("DEPRECATED", "UNUSED", "UNCATALOGUED", "SYSTEM") if word in key.flags]
    return ", ".join(out).replace("system", "Istio's own").replace("unused", "not read any more")


def seed_table(cells):
    out = ["| key | sort | rules |", "|---|---|---|"]
    return out + [line(cells, row, "field" if row[0] == "ProxyConfig" else row[0]) for row in SEED]


def key_table(cells, sort):
    out = ["| key | on | | rules |", "|---|---|---|---|"]
    return out + [line(cells, (k.sort, k.name), ", ".join(k.kinds), flags_of(k)) for k in KEYS
                  if k.sort == sort and not k.removed]


def removed_table(cells):
    out = ["| key | sort | gone since | became | rules |", "|---|---|---|---|---|"]
    return out + [line(cells, (k.sort, k.name), k.sort, k.last_seen,
                       f"{k.successor[0].lower().replace('proxyconfig', 'field')} `{k.successor[1]}`" if k.successor else "")
                  for k in KEYS if k.removed]


def tables(cells):
    return {"seed": seed_table(cells), "annotations": key_table(cells, "annotation"), "labels": key_table(cells, "label"),
            "removed": removed_table(cells)}


def with_tables(text, made):
    for name, lines in made.items():
        marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
        if text.count(marks[0]) != 1 or text.count(marks[1]) != 1:
            fail(f"transforms/README.md: '{marks[0]}' and '{marks[1]}' must be there once")
            continue
        head, rest = text.split(marks[0])
        text = head + marks[0] + "\n" + "\n".join(lines) + "\n" + marks[1] + rest.split(marks[1])[1]
    return text


def check_codes(text, rules, tool):
    """The table of IST codes is written by hand: every code once, and the rules that it names are there."""
    seen = {}
    for codes, verdict, how in re.findall(r"^\| (IST[^|]*) \| ([^|]*) \| ([^|]*) \|$", text, re.M):
        for code in re.findall(r"IST\d{4}", codes):
            if code in seen:
                fail(f"transforms/README.md: {code} is there twice")
            seen[code] = verdict, re.findall(r"`([a-z][a-z-]+)`", how)
        if verdict not in VERDICTS:
            fail(f"transforms/README.md: {codes}: '{verdict}' is none of {', '.join(VERDICTS)}")
    for code in sorted(set(CODES) ^ set(seen)):
        fail(f"transforms/README.md: {code} " + ("is missing" if code in CODES else "does not exist"))
    for code, (verdict, named) in seen.items():
        for rule in named:
            if rule not in rules:
                fail(f"transforms/README.md: {code}: there is no rule {rule}")
        if bool(named) != (verdict != "out of reach"):
            fail(f"transforms/README.md: {code} is {verdict}, " + ("and names a rule" if named else "by no rule"))
    for rule, code in re.findall(r"^([a-z-]+) +(IST\d{4})", subprocess.run([tool, "rules"], capture_output=True, text=True,
                                                                         timeout=20, check=True).stdout, re.M):
        if rule not in seen.get(code, ("", []))[1]:
            fail(f"transforms/README.md: {rule} calls itself {code}; the row does not name it")


def main():
    cells = all_cells()
    made = tables(cells)
    with open(README, encoding="utf-8") as file:
        text = file.read()
    if "--write" in sys.argv[1:]:
        with open(README, "w", encoding="utf-8") as file:
            file.write(with_tables(text, made))
        sys.exit("\n".join(failures) or 0)
    tool = shared.tool()
    now = with_tables(text, made)
    if now != text:
        fail("transforms/README.md: the tables are old; python3 tests/test_coverage.py --write\n" + diff(text, now))
    check_codes(text, list(cells), tool)
    only = sys.argv[1:]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(check_rule, tool, rule, rows) for rule, rows in cells.items() if rows and (not only or rule in only)]
        for job in jobs:
            failures.extend(job.result())
    print("\n\n".join(failures) if failures else f"{sum(map(len, cells.values()))} cells hold")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
