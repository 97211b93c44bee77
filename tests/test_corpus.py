#!/usr/bin/env python3
"""The tool on manifests that people wrote (../shared/corpus), judged by the oracle.

    test_corpus.py              the test: no crash, no hang, nothing lost, nothing changed without a finding
    test_corpus.py --table      and a markdown table of what was found
    test_corpus.py --compare    and where our findings and the corpus' own MANIFEST.tsv disagree
    test_corpus.py --keep DIR   and leave before/, after/ and report.json in DIR

Environment: ISTIO_FIX, ISTIO_FIX_SHARED. Exit 77: skipped.
"""
import argparse
import collections
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

shared.need_yaml()
from oracle import proof  # noqa: E402

# what the corpus calls a defect -> the rule that finds it
RULES = {
    "misplaced-on-workload": "misplaced-annotation",
    "nonstring-annotation": "metadata-value-type",
    "nonstring-label": "metadata-value-type",
    "ns-injection-and-rev": "injection-conflict",
    "ns-sidecar-and-ambient": "injection-conflict",
    "odd-duration": "duration",
    "duplicate-key": "duplicate-key",
}
WALKED = (".yaml", ".yml", ".json")
BUG = re.compile(rb"internal error|please report|proof failed|AddressSanitizer|runtime error:|Assertion|core dumped", re.I)
UNREADABLE = re.compile(r"template|does not parse|cannot parse|parse error|syntax|not valid yaml|cannot read", re.I)
fails = []


def fail(text):
    fails.append(text)
    if len(fails) <= 60:
        print("FAIL " + text)


def call(args, cwd, timeout=20):
    t = time.time()
    r = shared.run(args, timeout=timeout, cwd=cwd)
    line = " ".join(args[1:])
    if r.returncode is None:
        fail("hang: %s (more than %d s)" % (line, timeout))
    elif r.returncode not in (0, 1, 2):
        fail("exit %d: %s\n     %s" % (r.returncode, line, tail(r.stderr)))
    elif BUG.search(r.stderr):
        fail("internal error: %s\n     %s" % (line, tail(b"\n".join(x for x in r.stderr.splitlines() if BUG.search(x)))))
    elif time.time() - t > 5:
        print("note: %.1f s for %s" % (time.time() - t, line))
    return r


def tail(b):
    return b.decode("utf-8", "replace").strip()[-600:].replace("\n", "\n     ")


def report_of(r, what):
    try:
        return json.loads(r.stdout.decode("utf-8"))
    except (ValueError, UnicodeDecodeError) as e:
        fail("%s: stdout is not JSON: %s: %r" % (what, e, r.stdout[:200]))
        return {"results": [], "summary": {}}


def results(report):
    """Findings, each with its path below the corpus."""
    out = report.get("results", [])
    for x in out:
        x["path"] = os.path.normpath(x.get("path", ""))
    return out


def applied(x):
    return bool((x.get("fix") or {}).get("applied"))


def shape(report):
    for x in report.get("results", []):
        for k in ("rule", "level", "severity", "path", "line", "column", "message"):
            if k not in x:
                fail("a result has no '%s': %s" % (k, json.dumps(x)[:200]))
                return


def reason(x):
    fix = x.get("fix") or {}
    for where in (x, fix):
        for k in ("refused", "reason", "why"):
            if isinstance(where.get(k), str) and where[k]:
                return where[k]
    return {"choice": "waits for --choose", "report": "report only"}.get(x.get("level"), "level or option held it back")


def group(text):
    return re.sub(r"'[^']*'|\"[^\"]*\"|\b\d+\b", "*", text)


def test(tool, corpus, tmp):
    before_dir, work = os.path.join(tmp, "before"), os.path.join(tmp, "after")
    for d in (before_dir, work):
        shutil.copytree(corpus, d)
        subprocess.run(["chmod", "-R", "u+w", d], check=True)
    names = sorted(p for p in shared.files(work) if p != "MANIFEST.tsv" and not p.startswith("."))

    # one by one: report only, templates and all
    def single(p):
        r = call([tool, "-f", "json", p], work)
        if r.returncode in (0, 1):
            shape(report_of(r, p))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(single, names))

    # all at once: report, then in place, then again
    before = shared.files(work)
    r = call([tool, "-f", "json", "."], work)
    dry = report_of(r, "report of the corpus")
    if shared.files(work) != before:
        fail("report mode wrote to the corpus")
    r = call([tool, "-i", "-f", "json", "."], work)
    fixed = report_of(r, "-i of the corpus")
    after = shared.files(work)
    stderr = r.stderr.decode("utf-8", "replace")
    r = call([tool, "-i", "-f", "json", "."], work)
    again = shared.files(work)
    for p in sorted(after):
        if again.get(p) != after[p]:
            fail("second run changed %s" % p)
    if set(after) != set(before):
        fail("files came or went: %s" % sorted(set(after) ^ set(before))[:5])
    found = results(fixed)
    n = judge(before, after, found)

    # each file on its own in place: no crash, and nothing without the oracle's consent either
    one = os.path.join(tmp, "single")
    shutil.copytree(before_dir, one)
    reports = {}

    def fix(p):
        r = call([tool, "-i", "-f", "json", p], one)
        if r.returncode in (0, 1):
            reports[p] = report_of(r, p)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fix, names))
    alone = []
    for p in reports:
        alone += results(reports[p])
    now = shared.files(one)
    judge(before, now, alone, "alone: ")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda p: call([tool, "-i", p], one), names))
    for p, b in shared.files(one).items():
        if now.get(p) != b:
            fail("alone: second run changed %s" % p)

    print("%d files: %d changed and proven, %d changed but not checkable, %d findings (%d in report mode)" % (
        len(names), n["ok"], n["unchecked"], len(found), len(dry.get("results", []))))
    return names, before, after, fixed, stderr


def judge(before, after, found, word=""):
    n = collections.Counter()
    by = collections.defaultdict(list)
    for x in found:
        by[x["path"]].append(x)
    for p in sorted(before):
        fixes = [x for x in by[p] if applied(x)]
        if before[p] == after.get(p):
            if fixes:
                fail("%s%s: %d fixes are said to be applied, no byte changed" % (word, p, len(fixes)))
            continue
        if not fixes:
            fail("%schanged without a fixed finding: %s" % (word, p))
            n["bad"] += 1
            continue
        r = proof.check(before[p], after[p], by[p], p)
        if not r.ok:
            fail("%s%s: %s" % (word, p, r.human().replace("\n", "\n     ")))
        n["unchecked" if not r.checkable else "ok" if r.ok else "bad"] += 1
    return n


def table(names, before, after, fixed, stderr):
    found = results(fixed)
    print("\n| files | changed | with findings | findings | fixed | left |")
    print("|---|---|---|---|---|---|")
    print("| %d | %d | %d | %d | %d | %d |" % (
        len(names), sum(before[p] != after[p] for p in names), len({x["path"] for x in found}), len(found),
        sum(map(applied, found)), sum(not applied(x) for x in found)))
    rows = collections.defaultdict(collections.Counter)
    for x in found:
        row = rows[x.get("rule"), x.get("level"), x.get("severity")]
        row["all"] += 1
        row["fixed"] += applied(x)
        row[x["path"], "file"] = 1
    print("\n| rule | level | severity | findings | files | fixed | left |")
    print("|---|---|---|---|---|---|---|")
    for key in sorted(rows, key=str):
        row = rows[key]
        print("| %s | %s | %s | %d | %d | %d | %d |" % (key + (
            row["all"], sum(1 for k in row if isinstance(k, tuple)), row["fixed"], row["all"] - row["fixed"])))
    why = collections.Counter((x.get("rule"), group(reason(x))) for x in found if not applied(x))
    print("\n| not fixed | rule | reason |\n|---|---|---|")
    for (rule, text), k in why.most_common():
        print("| %d | %s | %s |" % (k, rule, text.replace("|", "\\|")))
    lines = collections.Counter(group(re.sub(r"^\S+?:(\d+:)*\s*", "", x)) for x in stderr.splitlines() if UNREADABLE.search(x))
    print("\n| files | unparsable or template (stderr) |\n|---|---|")
    for text, k in lines.most_common(25):
        print("| %d | %s |" % (k, text.replace("|", "\\|")))
    print("\nsummary: %s\n" % json.dumps(fixed.get("summary")))


def compare(corpus, before, fixed):
    have = collections.defaultdict(collections.Counter)
    for x in results(fixed):
        have[x["path"]][x.get("rule")] += 1
    rules = sorted(set(RULES.values()))
    tally = collections.defaultdict(collections.Counter)
    out = []
    with open(os.path.join(corpus, "MANIFEST.tsv"), encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            p = row["file"]
            want = collections.Counter()
            for d in row["defects"].split(","):
                name, _, k = d.strip().partition("=")
                if name in RULES:
                    want[RULES[name]] += int(k or 1)
            template = "template" in row["why"]
            skipped = template or not p.endswith(WALKED)
            for rule in rules:
                w, h = want[rule], have[p][rule]
                if not w and not h:
                    continue
                word = "agree" if w == h else "template, skipped" if skipped and not h else "fewer" if h < w else "more"
                tally[rule][word] += 1
                if word in ("fewer", "more"):
                    out.append((rule, w, h, p, row["defects"], row["why"]))
    print("\n| rule | rows agree | template, skipped | we find fewer | we find more |\n|---|---|---|---|---|")
    for rule in rules:
        t = tally[rule]
        print("| %s | %d | %d | %d | %d |" % (rule, t["agree"], t["template, skipped"], t["fewer"], t["more"]))
    print("\n| rule | manifest | ours | file | defects | why |\n|---|---|---|---|---|---|")
    for row in sorted(out):
        print("| %s | %d | %d | %s | %s | %s |" % row)
    clean = [p for p in have if p in before and have[p]]
    print("\nfiles with any finding: %d\n" % len(clean))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    ap.add_argument("--table", action="store_true")
    ap.add_argument("--compare", action="store_true")
    ap.add_argument("--keep", metavar="DIR")
    a = ap.parse_args()
    tool, corpus = shared.tool(), shared.need("corpus")
    with tempfile.TemporaryDirectory(prefix="ifx-corpus-") as tmp:
        names, before, after, fixed, stderr = test(tool, corpus, tmp)
        if a.table:
            table(names, before, after, fixed, stderr)
        if a.compare:
            compare(corpus, before, fixed)
        if a.keep:
            os.makedirs(a.keep, exist_ok=True)
            for d in ("before", "after"):
                shutil.copytree(os.path.join(tmp, d), os.path.join(a.keep, d), dirs_exist_ok=True)
            with open(os.path.join(a.keep, "report.json"), "w", encoding="utf-8") as f:
                json.dump(fixed, f, indent=1, ensure_ascii=False)
    if fails:
        print("%d failures" % len(fails))
    sys.exit(1 if fails else 0)


if __name__ == "__main__":
    main()
