#!/usr/bin/env python3
"""A migration to ambient mode, small and large: time, memory, and whether they grow with the estate and no faster.

    bench_estate.py [--sizes 100,500,2500] [--runs 3] [--seed 1] [--work DIR]

Makes an estate of each size (gen_estate.py), measures `ambient plan` (best of runs) and each phase of `ambient apply`
and `ambient rollback` (once, they write), and prints one markdown table. The bytes after the last rollback are
compared with the first ones. Cost per namespace is beside that of the smallest estate, 1.00 is linear.

Environment: ISTIO_FIX (default build/release/istio-fix). Exit: 0; 1 rollback left other bytes, or a command failed.
"""
import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.abspath(os.environ.get("ISTIO_FIX") or os.path.join(HERE, "..", "..", "build", "release", "istio-fix"))
Cost = collections.namedtuple("Cost", "wall cpu memory")  # seconds, seconds, MB at the peak (None without /usr/bin/time)
PHASES = ["prepare", "bind", "enroll", "cleanup"]


def measure(args, top):
    """One run of the tool."""
    timed = os.access("/usr/bin/time", os.X_OK)
    with tempfile.NamedTemporaryFile() as memory:
        prefix = ["/usr/bin/time", "-q", "-f", "%M", "-o", memory.name] if timed else []
        began = time.perf_counter()
        p = subprocess.Popen(prefix + [TOOL, "ambient", *args, "."], cwd=top, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(p.pid, 0)
        seconds = time.perf_counter() - began
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode not in (0, 1, 3):
            sys.exit("%s: exit %d" % (" ".join(args), p.returncode))
        return Cost(seconds, used.ru_utime + used.ru_stime, int(memory.read().split()[-1]) / 1024 if timed else None)


def digest(top):
    h = hashlib.sha256()
    for folder, dirs, names in os.walk(top):
        dirs.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                h.update(os.path.relpath(path, top).encode() + b"\0" + f.read() + b"\0")
    return h.digest()


def estate(top, runs):
    """{command: cost}, and whether all came back."""
    plans = [measure(["plan"], top) for _ in range(runs)]
    out = {"plan": Cost(min(p.wall for p in plans), min(p.cpu for p in plans), plans[0].memory)}
    before = digest(top)
    for phase in PHASES:
        out["apply " + phase] = measure(["apply", "--phase", phase, "--all", "-i", "--accept", "C38"], top)
    for phase in reversed(PHASES):
        out["rollback " + phase] = measure(["rollback", "--phase", phase, "--all", "-i"], top)
    return out, digest(top) == before


def show(cost):
    return "%.2f s (CPU %.2f), %s MB" % (cost.wall, cost.cpu, "?" if cost.memory is None else "%.0f" % cost.memory)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    ap.add_argument("--sizes", default="100,500,2500")
    ap.add_argument("--runs", type=int, default=3)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--work", help="work below this directory (default: /dev/shm, else TMPDIR)")
    a = ap.parse_args()
    sizes = [int(s) for s in a.sizes.split(",")]
    results, counts, same = {}, {}, True
    base = a.work or ("/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    with tempfile.TemporaryDirectory(prefix="ifx-estate.", dir=base) as work:
        for n in sizes:
            top = os.path.join(work, str(n))
            text = subprocess.run([sys.executable, os.path.join(HERE, "gen_estate.py"), top, "--namespaces", str(n),
                                   "--seed", str(a.seed)], stdout=subprocess.PIPE, check=True).stdout
            counts[n] = json.loads(text)
            results[n], back = estate(top, a.runs)
            same &= back
    print("| ambient | " + " | ".join("%d namespaces, %d manifests" % (n, counts[n]["manifests"]) for n in sizes) +
          " | CPU per namespace | memory per namespace |")
    print("|---|" + "---:|" * (len(sizes) + 2))
    growth = sizes[-1] / sizes[0]
    for command, last in results[sizes[-1]].items():
        first = results[sizes[0]][command]
        print("| %s | %s | %.2f | %s |" % (command, " | ".join(show(results[n][command]) for n in sizes),
                                           last.cpu / first.cpu / growth,
                                           "?" if last.memory is None else "%.2f" % (last.memory / first.memory / growth)))
    print("\nper namespace: %d namespaces beside %d; 1.00 is linear. After all rollbacks every byte is %s." %
          (sizes[-1], sizes[0], "as it was" if same else "NOT as it was"))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
