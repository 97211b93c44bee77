#!/usr/bin/env python3
"""The measuring half of run.sh; not called by hand.

Wall time is the best of N with a warm cache. CPU (user and system, all descendants) is the best of N too, from
wait4. Peak RSS comes from /usr/bin/time, because a child of Python inherits Python's own peak.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time


class Run:
    def __init__(self, name, cmd, writes=False, score=False, runs=None, codes=(0, 1)):
        self.name, self.cmd, self.writes, self.score, self.runs, self.codes = name, cmd, writes, score, runs, codes


def launch(cmd, cwd=None, out=None):
    """wall, cpu, exit code of one run of argv."""
    with open(os.devnull, "r+b") as null, open(out or os.devnull, "wb") as log:
        t = time.perf_counter()
        p = subprocess.Popen(cmd, stdin=null, stdout=log, stderr=log, cwd=cwd)
        _, status, ru = os.wait4(p.pid, 0)
        wall = time.perf_counter() - t
        p.returncode = os.waitstatus_to_exitcode(status)
    return wall, ru.ru_utime + ru.ru_stime, p.returncode


def rss(cmd, cwd=None):
    """Peak RSS in MB, or None."""
    if not os.access("/usr/bin/time", os.X_OK):
        return None
    p = subprocess.run(["/usr/bin/time", "-f", "%M"] + cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, cwd=cwd)
    try:
        return int(p.stderr.split()[-1]) / 1024
    except (ValueError, IndexError):
        return None


def sh(text):
    return ["sh", "-c", text]


def has_module(python, module):
    return subprocess.run([python, "-c", "import " + module], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def python_with(module):
    for p in (sys.executable, os.environ.get("PYTHON", ""), "/usr/bin/python3"):
        if p and shutil.which(p) and has_module(p, module):
            return p
    return None


def rivals(a, missing):
    peers = os.path.join(a.shared, "bench", "peers")
    pd = os.environ.get("PEERS_DIR", "")
    out = []
    if shutil.which("perl"):
        out.append(Run("perl text script (block maps only)", [os.path.join(peers, "text_move.pl"), "{}"], True, True))
    else:
        missing.append("perl")
    for name, prog in (("yaml.v3, changed files only", "goyaml3_move"), ("goccy/go-yaml", "goccy_move")):
        if pd and os.access(os.path.join(pd, prog), os.X_OK):
            out.append(Run(name, [os.path.join(pd, prog), "{}"], True, True))
        else:
            missing.append("%s (no %s in PEERS_DIR)" % (name, prog))
    for name, module, script in (("js-yaml", "js-yaml", "jsyaml_move.mjs"), ("eemeli/yaml, tuned", "yaml", "eemeli_move.mjs")):
        if shutil.which("node") and os.path.isdir(os.path.join(pd, "node_modules", module)) and pd:
            out.append(Run(name, ["node", os.path.join(peers, script), "{}"], True, True, 3))
        else:
            missing.append("%s (no node_modules/%s in PEERS_DIR)" % (name, module))
    if a.quick:
        missing.append("ruamel.yaml, yq (--quick)")
    else:
        py = python_with("ruamel.yaml")
        if py:
            out.append(Run("ruamel.yaml, tuned", [py, os.path.join(peers, "ruamel_move.py"), "{}"], True, True, 1))
        else:
            missing.append("ruamel.yaml (Debian: python3-ruamel.yaml)")
        if shutil.which("yq") and b"jq" in subprocess.run(["yq", "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout:
            out.append(Run("yq (kislyuk), %d jobs" % os.cpu_count(), [os.path.join(peers, "yq_move.sh"), "{}"], True, True, 1, None))
        else:
            missing.append("yq (Debian: yq)")
    if a.slow:
        if shutil.which("kubectl"):
            out.append(Run("kubectl kustomize", [os.path.join(peers, "kustomize_build_move.sh"), "{}"], True, True, 1, None))
        else:
            missing.append("kubectl")
        if shutil.which("jq") and shutil.which("node") and os.path.isdir(os.path.join(pd, "node_modules", "js-yaml")) and pd:
            out.append(Run("js-yaml + jq + js-yaml", [os.path.join(peers, "jq_move.sh"), "{}"], True, True, 1, None))
        else:
            missing.append("jq pipeline (jq, node, js-yaml)")
    else:
        missing.append("kubectl kustomize, jq pipeline (only with --slow)")
    return out


def ours(a, score):
    t = a.tool
    sel = ["--select", "misplaced-annotation"]
    one = ["-j", "1"] if launch([t, "-j", "1", "-V"])[2] == 0 else None
    out = [Run("**istio-fix**, report, all rules", [t, "{}"])]
    if one:
        out.append(Run("**istio-fix -j 1**, report, all rules", [t] + one + ["{}"]))
    out.append(Run("**istio-fix -i --select misplaced-annotation**", [t, "-i"] + sel + ["{}"], True, score))
    if one:
        out.append(Run("**istio-fix -j 1 -i --select misplaced-annotation**", [t] + one + ["-i"] + sel + ["{}"], True, score))
    out.append(Run("**istio-fix -i**, all rules", [t, "-i", "{}"], True))
    return out


def exact(tree, work, scorer):
    """byte-exact and needed, changed although not needed, data right; by score.py."""
    py = python_with("yaml")
    if not py:
        return "?", "?"
    p = subprocess.run([py, scorer, os.path.join(tree, "in"), os.path.join(tree, "golden"), work, "--json"],
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        s = json.loads(p.stdout)
    except ValueError:
        return "?", "?"
    lost = "%d / %d / %d" % (s["lost"], s["dup"], s["reattached"])
    return "%d/%d%s" % (s["exact"], s["needed"], " (+%d needless)" % s["spurious"] if s["spurious"] else ""), lost


def measure(a, r, src, tree=None):
    walls, cpus, note = [], [], ""
    n = r.runs or a.runs
    log = os.path.join(a.work, "log")
    copy = os.path.join(a.work, "copy")
    peak = None
    result = ("", "")
    for i in range(n + (1 if not r.runs or r.runs > 1 else 0)):
        target = src
        if r.writes:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(src, copy)
            subprocess.run(["chmod", "-R", "u+w", copy])
            target = copy
        cmd = [x.replace("{}", target) for x in r.cmd]
        cwd = os.environ.get("PEERS_DIR") or a.work
        if i == n:  # one more, for the memory
            peak = rss(cmd, cwd)
            break
        wall, cpu, code = launch(cmd, cwd, log)
        walls.append(wall)
        cpus.append(cpu)
        if r.codes is not None and code not in r.codes:
            with open(log, "rb") as f:
                note = " (exit %d: %s)" % (code, f.read(200).decode("utf-8", "replace").split("\n")[0].replace("|", " "))
    if r.runs == 1:
        note += " (one run)"
    if r.score and tree:
        result = exact(tree, copy, os.path.join(a.shared, "bench", "peers", "score.py"))
    shutil.rmtree(copy, ignore_errors=True)
    print("  %-55s %8.3f s" % (r.name, min(walls)), file=sys.stderr)
    return r.name + note, min(walls), min(cpus), peak, result


def floors(a):
    out = [Run("cat, every file", sh("find '{}' -type f -print0 | xargs -0 cat > /dev/null")),
           Run("grep -rlF istio.io", sh("grep -rlF istio.io '{}' > /dev/null; true"))]
    if a.fyparse:
        out.append(Run("libfyaml events, nothing else", sh("find '%s' -type f -name '*.y*ml' | %s" % ("{}", a.fyparse))))
    return out


def table(title, rows, scored):
    print("\n" + title + "\n")
    print("| driver | wall s, best | CPU s | peak RSS MB | x cat (wall) | x cat (CPU) |" + (" byte-exact | comments lost / dup / re-attached |" if scored else ""))
    print("|---|---|---|---|---|---|" + ("---|---|" if scored else ""))
    w0, c0 = rows[0][1], max(rows[0][2], 1e-4)
    for name, wall, cpu, peak, (good, lost) in rows:
        line = "| %s | %.3f | %.3f | %s | %.1f | %.1f |" % (name, wall, cpu, "%.0f" % peak if peak else "", wall / w0, cpu / c0)
        print(line + (" %s | %s |" % (good, lost) if scored else ""))


def startup(a, one):
    rows = []
    for name, cmd in (("/bin/true", ["/bin/true"]), ("istio-fix -V", [a.tool, "-V"]),
                      ("istio-fix FILE (report)", [a.tool, one]),
                      ("istio-fix -c FILE", [a.tool, "-c", one])):
        walls, cpus = [], []
        for _ in range(200):
            wall, cpu, _ = launch(cmd)
            walls.append(wall)
            cpus.append(cpu)
        walls.sort()
        rows.append((name, walls[0] * 1e3, walls[len(walls) // 2] * 1e3, sum(cpus) / len(cpus) * 1e3, rss(cmd)))
    print("\nOne file, one process; 200 runs each (%d bytes), times include starting it from Python:\n" % os.path.getsize(one))
    print("| | best ms | median ms | CPU ms, mean | peak RSS MB |\n|---|---|---|---|---|")
    for name, best, med, cpu, peak in rows:
        print("| %s | %.2f | %.2f | %.2f | %s |" % (name, best, med, cpu, "%.1f" % peak if peak else ""))


def main():
    ap = argparse.ArgumentParser()
    for x in ("--tool", "--shared", "--work", "--fyparse"):
        ap.add_argument(x, required=True)
    ap.add_argument("--runs", type=int, default=7)
    for x in ("--quick", "--slow", "--corpus"):
        ap.add_argument(x, action="store_true")
    a = ap.parse_args()
    tree = os.path.join(a.work, "tree")
    src = os.path.join(tree, "in")
    with open(os.path.join(a.work, "totals.json"), encoding="utf-8") as f:
        tot = json.load(f)
    missing = []
    rows = [measure(a, r, src, tree) for r in floors(a) + ours(a, True) + rivals(a, missing)]
    cpu = "?"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            cpu = next(x.split(":", 1)[1].strip() for x in f if x.startswith("model name"))
    except (OSError, StopIteration):
        pass
    count = sum(len(x) for _, _, x in os.walk(src))
    table("gen_tree, %d files, %.1f MB, %d misplaced annotations; best of %d; %d x %s; %s" % (
        count, tot["bytes"] / 1e6, tot["misplaced"], a.runs, os.cpu_count(), cpu,
        time.strftime("%Y-%m-%d", time.gmtime())), rows, True)
    for m in missing:
        print("\nnot measured: " + m)
    if a.corpus:
        corpus = os.path.join(a.shared, "corpus")
        rows = [measure(a, r, corpus) for r in floors(a) + ours(a, False)]
        table("corpus (templates and hostile test data included); best of %d" % a.runs, rows, False)
    golden = os.path.join(tree, "golden")
    hit = next((p for d, _, fs in sorted(os.walk(src)) for p in (os.path.join(d, f) for f in sorted(fs))
                if open(p, "rb").read() != open(os.path.join(golden, os.path.relpath(p, src)), "rb").read()), None)
    if hit:
        startup(a, hit)


if __name__ == "__main__":
    main()
