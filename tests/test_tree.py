#!/usr/bin/env python3
"""The move benchmark as a test: every file of a generated tree equals its golden file, byte for byte.

    test_tree.py [SEEDS [FILES]]      default 3 seeds of 300 files

For each seed: `-i` gives the golden tree; a second run changes neither bytes nor times; nothing is written
without -i; filter mode gives the same; `-d` applied with `git apply` and with `patch -p1` gives the same.
Environment: ISTIO_FIX, ISTIO_FIX_SHARED. Exit 77: skipped.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

SELECT = ["--select", "misplaced-annotation"]
fails = []


def fail(text):
    fails.append(text)
    if len(fails) <= 40:
        print("FAIL " + text)


def stamps(root):
    return {p: (s.st_mtime_ns, s.st_ino) for p in shared.files(root) for s in [os.stat(os.path.join(root, p))]}


def same(what, root, want):
    have = shared.files(root)
    for p in sorted(set(want) | set(have)):
        if have.get(p) != want.get(p):
            fail("%s: %s is not as it should be%s" % (what, os.path.join(root, p), first(want.get(p), have.get(p))))


def first(want, have):
    if want is None or have is None:
        return ": " + ("missing" if have is None else "left behind")
    w, h = want.splitlines(True), have.splitlines(True)
    for i in range(max(len(w), len(h))):
        x, y = w[i:i + 1], h[i:i + 1]
        if x != y:
            return ", line %d\n     want %r\n     have %r" % (i + 1, b"".join(x), b"".join(y))
    return ""


def call(args, cwd, codes):
    r = shared.run(args, timeout=60, cwd=cwd)
    if r.returncode not in codes:
        fail("exit %s: %s\n     %s" % ("timeout" if r.returncode is None else r.returncode, " ".join(args),
                                       r.stderr.decode("utf-8", "replace").strip()[:600]))
    return r


def one(tool, gen, seed, count, tmp):
    subprocess.run([sys.executable, gen, tmp, "--files", str(count), "--seed", str(seed)], check=True,
                   stdout=subprocess.DEVNULL)
    src, gold = shared.files(os.path.join(tmp, "in")), shared.files(os.path.join(tmp, "golden"))
    need = sum(src[p] != gold[p] for p in src)

    def copy(name):
        shutil.copytree(os.path.join(tmp, "in"), os.path.join(tmp, name))
        return os.path.join(tmp, name)

    # report: nothing is written
    tree = copy("report")
    was = stamps(tree)
    call([tool] + SELECT + ["."], tree, (1 if need else 0,))
    same("report mode wrote", tree, src)
    if stamps(tree) != was:
        fail("seed %d: report mode touched files" % seed)

    # in place, twice
    tree = copy("fixed")
    call([tool, "-i"] + SELECT + [os.path.join(tmp, "fixed")], tmp, (0,))
    same("-i", tree, gold)
    was = stamps(tree)
    call([tool, "-i"] + SELECT + [os.path.join(tmp, "fixed")], tmp, (0,))
    same("second -i", tree, gold)
    if stamps(tree) != was:
        fail("seed %d: the second run wrote %d files again" % (seed, sum(was[p] != s for p, s in stamps(tree).items())))

    # filter, a few files that change and a few that do not
    for p in sorted(p for p in src if src[p] != gold[p])[:15] + sorted(p for p in src if src[p] == gold[p])[:5]:
        r = subprocess.run([tool] + SELECT + ["-"], input=src[p], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
        if r.returncode != 0 or r.stdout != gold[p]:
            fail("filter: %s, exit %d%s" % (p, r.returncode, first(gold[p], r.stdout)))

    # the diff, through the two programs that people use
    tree = copy("diff")
    r = call([tool, "-d"] + SELECT + ["."], tree, (1 if need else 0,))
    same("-d wrote", tree, src)
    with open(os.path.join(tmp, "x.patch"), "wb") as f:
        f.write(r.stdout)
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=tmp, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
    for name, args in (("git", ["git", "apply", "--whitespace=nowarn"]), ("patch", ["patch", "-s", "-p1", "--binary", "--no-backup-if-mismatch", "-i"])):
        if not shutil.which(name):
            print("note: %s is not installed" % name)
            continue
        tree = copy("by-" + name)
        r = shared.run(args + [os.path.join(tmp, "x.patch")], timeout=120, cwd=tree, env=env)
        if r.returncode != 0:
            fail("seed %d: %s refuses the diff: %s" % (seed, name, (r.stdout + r.stderr).decode("utf-8", "replace")[:600]))
        same("-d | " + name, tree, gold)
    return need


def main():
    tool = shared.tool()
    gen = shared.need("bench", "gen_tree.py")
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory(prefix="ifx-tree-") as tmp:
            need = one(tool, gen, seed, count, tmp)
        print("seed %d: %d files, %d to change, %s" % (seed, count, need, "%d failures so far" % len(fails) if fails else "all byte-equal"))
    sys.exit(1 if fails else 0)


if __name__ == "__main__":
    main()
