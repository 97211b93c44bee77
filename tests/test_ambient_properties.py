#!/usr/bin/env python3
"""What must hold for every migration to ambient mode, on random trees.

    test_ambient_properties.py                 the suite: a few dozen trees
    test_ambient_properties.py SEEDS           that many trees, from seed 0 (or FROM-TO), on all cores
    test_ambient_properties.py --keep DIR SEED one tree, each phase of it left in DIR

Judged by a model of its own (mesh/authorization.py), over callers, requests and each phase:

  P1  the same decision through the Service          P5  rollback(phase(x)) == x, byte for byte
  P2  never looser, on any path                      P6  comments stay, and so do bytes that nothing touches
  P3  no ALLOW for a workload that had none          P7  files of held namespaces are byte-identical
  P4  each phase is idempotent                       P8  nothing is left that asks for a sidecar

Environment: ISTIO_FIX. Exit: 0 good, 1 a property is broken (the seed is printed), 77 skipped.
"""
import collections
import os
import random
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

shared.need_yaml()
from mesh import authorization as mesh  # noqa: E402
from mesh import trees  # noqa: E402
from oracle import proof  # noqa: E402

TOOL = shared.tool()
PHASES = ["prepare", "bind", "enroll", "cleanup"]
SUITE = 40
# Kinds of documents that may go when their successors are in force.
LEAVING = ("AuthorizationPolicy", "RequestAuthentication", "Sidecar")


class Broken(Exception):
    pass


def plant(top, files):
    for path, data in files.items():
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)


def snapshot(top):
    return {p: b for p, b in shared.files(top).items() if not p.startswith(".istio-fix") and "/.istio-fix/" not in p}


class Run:
    """One tree through all phases and back."""

    def __init__(self, seed, top):
        self.tree = trees.Tree(seed)
        self.rng = random.Random(seed)
        self.top = top
        self.counts = collections.Counter()
        self.said = []

    def call(self, *args, codes=(0, 3)):
        r = shared.run([TOOL, "ambient", *args, "."], cwd=self.top, timeout=60)
        text = (r.stdout + r.stderr).decode(errors="replace")
        if r.returncode not in codes:
            raise Broken("%s: exit %s\n%s" % (" ".join(args), r.returncode, text))
        return text

    def apply(self, phase):
        args = list(self.tree.args)
        return self.call("apply", "--phase", phase, "--all", "-i", "--accept", "C38", *args)

    def worlds(self):
        return {name: mesh.World(trees.load(self.top, name, kust)) for name, (_, kust) in self.tree.environments.items()}

    def all(self):
        plant(self.top, self.tree.files)
        states = [snapshot(self.top)]
        before = self.worlds()
        for phase in PHASES:
            text = self.apply(phase)
            self.said.append(text)
            states.append(snapshot(self.top))
            again = self.apply(phase)
            if snapshot(self.top) != states[-1]:
                raise Broken("P4: %s changes something the second time\n%s%s" % (phase, again, self.changed(states[-1])))
            after = self.worlds()
            self.bytes(phase, states[-2], states[-1])
            for name in before:
                self.decisions(phase, name, before[name], after[name])
        self.left(before, after)
        self.held(before, after, states)
        self.back(states)
        return self.counts

    def changed(self, files):
        now = snapshot(self.top)
        return ", ".join(p for p in sorted(set(files) | set(now)) if files.get(p) != now.get(p))

    # P5

    def back(self, states):
        for i in range(len(PHASES) - 1, -1, -1):
            text = self.call("rollback", "--phase", PHASES[i], "--all", "-i")
            if snapshot(self.top) != states[i]:
                raise Broken("P5: rollback of %s differs: %s\n%s" % (PHASES[i], self.changed(states[i]), text))
        left = sorted(set(shared.files(self.top)) - set(states[0]))
        if left:
            raise Broken("P5: left after all rollbacks: %s" % left)

    # P6

    def bytes(self, phase, old, new):
        for path in sorted(old):
            late = phase in ("enroll", "cleanup")
            if path not in new and phase != "cleanup":
                raise Broken("P6: %s: %s is gone" % (phase, path))
            after = dict(self.parts(new.get(path, b"")))
            given = dict(self.parts(self.tree.files.get(path, b"")))
            for name, data in self.parts(old[path]):
                if name not in given:
                    continue
                if name not in after:
                    if not late or name.split()[0] not in LEAVING:
                        raise Broken("P6: %s: %s: %s is gone" % (phase, path, name))
                    continue
                # Blank lines at the end are the distance to the next document, which may be new.
                for e in proof.check(data.rstrip(b"\r\n"), after[name].rstrip(b"\r\n"), [], _nested=True).errors:
                    if not (late and (e.startswith("comment") or e.endswith("-1: '---\\n'"))):
                        raise Broken("P6: %s: %s: %s: %s" % (phase, path, name, e))
            if path in new and b"\r\n" in old[path] and b"\r\n" not in new[path] or \
                    b"\r\n" not in old[path] and b"\r\n" in new.get(path, b""):
                raise Broken("P6: %s: %s: other line ends" % (phase, path))
        self.counts["files compared"] += len(old)

    @staticmethod
    def parts(data):
        """Documents of a file by what they are."""
        for part in proof.split(data):
            for d in trees.parse(part.decode()):
                yield "%s %s/%s" % (d["kind"], d.get("metadata", {}).get("namespace"), d.get("metadata", {}).get("name")), part

    # P7, P8

    def held(self, before, after, states):
        """A namespace that is as it was must be so in every byte of the files that only it has."""
        for name, world in before.items():
            if self.tree.environments[name][1]:
                continue
            for namespace in world.namespaces:
                if not self.moved(after[name], namespace):
                    self.counts["namespaces held"] += 1
                else:
                    self.counts["namespaces moved"] += 1
                    continue
                if not self.blocked(world, namespace):
                    continue
                for path in self.own(name, namespace, states[0]):
                    if states[-1].get(path) != states[0][path]:
                        raise Broken("P7: %s of blocked %s is not as it was" % (path, namespace))
                    self.counts["files of blocked namespaces"] += 1

    @staticmethod
    def blocked(world, namespace):
        """Surely blocked: an EnvoyFilter without a selector, and sidecars that it changes."""
        return any(o["metadata"]["namespace"] == namespace and "selector" not in o["spec"] for o in world.of("EnvoyFilter")) \
            and any(p.namespace == namespace and world.mode(p) == "sidecar" for p in world.pods)

    def own(self, environment, namespace, files):
        for path in files:
            if environment in (".", path.split("/")[0]):
                docs = trees.documents(self.top, path) if os.path.exists(os.path.join(self.top, path)) else []
                if docs and all(d["metadata"].get("namespace", d["metadata"]["name"]) == namespace for d in docs):
                    yield path

    @staticmethod
    def moved(world, namespace):
        return world.namespaces[namespace].get("istio.io/dataplane-mode") == "ambient"

    def left(self, before, after):
        for name, world in after.items():
            for namespace, labels in world.namespaces.items():
                if not self.moved(world, namespace):
                    continue
                bad = [k for k in ("istio-injection", "istio.io/rev") if k in labels]
                for pod in world.pods:
                    if pod.namespace == namespace:
                        bad += ["%s %s" % (pod.name, k) for k, v in pod.labels.items()
                                if k == "istio.io/rev" or (k == "sidecar.istio.io/inject" and v == "true")]
                        if world.mode(pod) == "sidecar":
                            bad.append("%s keeps its sidecar" % pod.name)
                        was = next(p for p in before[name].pods if (p.namespace, p.name) == (pod.namespace, pod.name))
                        if before[name].mode(was) == "none" and world.mode(pod) != "none":
                            bad.append("%s was outside the mesh" % pod.name)
                if bad:
                    raise Broken("P8: %s: %s: %s" % (name, namespace, ", ".join(bad)))

    # P1, P2, P3

    def decisions(self, phase, name, before, after):
        callers, requests = self.callers(), self.requests()
        for pod in before.pods:
            now = next(p for p in after.pods if (p.namespace, p.name) == (pod.namespace, pod.name))
            if not self.allows(before, pod) and self.allows(after, now):
                raise Broken("P3: %s: %s: %s/%s has an ALLOW now" % (phase, name, pod.namespace, pod.name))
            for _, port in pod.ports():
                for caller in callers:
                    for request in requests:
                        self.judge(phase, name, before, after, caller, (pod, port), (now, port), request, False)
        for service in before.services:
            now = next(s for s in after.services if s["metadata"]["name"] == service["metadata"]["name"] and
                       s["metadata"]["namespace"] == service["metadata"]["namespace"])
            bound = after.waypoint(now) is not None
            enrolled = phase in ("enroll", "cleanup") and self.moved(after, now["metadata"]["namespace"])
            for entry in service["spec"]["ports"]:
                for caller in callers:
                    # A gateway that nothing in the tree leads to the Service may be refused, like any proxy.
                    equal = caller.mode == "ambient" or not bound or not enrolled and caller.mode != "outside" or \
                        caller.mode == "gateway" and self.exposed(before, service)
                    for request in requests:
                        self.judge(phase, name, before, after, caller, (service, entry["port"]), (now, entry["port"]),
                                   request, equal)

    @staticmethod
    def exposed(world, service):
        """Does a gateway's VirtualService lead to it?"""
        host = "%(name)s.%(namespace)s.svc.cluster.local" % service["metadata"]
        return any(host == r["destination"]["host"] for v in world.of("VirtualService") if v["spec"].get("gateways")
                   for h in v["spec"]["http"] for r in h["route"])

    @staticmethod
    def allows(world, pod):
        return [p for p in world.applying("AuthorizationPolicy", pod) if mesh.action(p) == "ALLOW"]

    def judge(self, phase, name, before, after, caller, old, new, request, equal):
        a = before.decide(caller, old[0], old[1], request)
        b = after.decide(caller, new[0], new[1], request)
        self.counts["decisions"] += 1
        if sorted(a) != sorted(b):
            raise Broken("%s: other pods behind %s: %s, %s" % (phase, old, sorted(a), sorted(b)))
        late = phase == "enroll" and "cleanup" in self.tree.args
        for pod in a:
            what = None
            if mesh.looser(a[pod], b[pod]) and not late:
                what = "P2"
            elif equal and not mesh.same(a[pod], b[pod]) and not self.accepted(before, old, pod):
                what = "P1"
            if what:
                target = old[0]
                target = "pod %s/%s" % (target.namespace, target.name) if isinstance(target, mesh.Pod) else \
                    "Service %s/%s" % (target["metadata"]["namespace"], target["metadata"]["name"])
                raise Broken("%s: %s: %s: %s port %s, pod %s\n  %s\n  %s\n  before: %s\n  after:  %s" % (
                    what, phase, name, target, old[1], pod, caller, request, a[pod], b[pod]))

    def accepted(self, world, target, name):
        """A port that went past the sidecar, and the user takes it that policies start to apply there."""
        [entry] = [p for p in target[0]["spec"]["ports"] if p["port"] == target[1]]
        return "S08" in self.tree.args and any(
            p.name == name and p.namespace == target[0]["metadata"]["namespace"] and
            world.bypassed(p, p.port(entry.get("targetPort", target[1]))) for p in world.pods)

    def callers(self):
        rng = self.rng
        out = []
        for mode in ("ambient", "sidecar", "outside", "gateway"):
            for _ in range(4 if mode == "ambient" else 2):
                out.append(mesh.Caller(rng.choice(trees.LETTERS + trees.STRANGERS), rng.choice(trees.APPS),
                                       rng.choice(trees.ADDRESSES), mode))
        return out

    def requests(self):
        rng = self.rng
        tokens = [None, None] + [(i, s, v) for i in trees.ISSUERS for s in ("alice", "bou") for v in (True, False)]
        return [mesh.Request(rng.choice(trees.METHODS), rng.choice(trees.PATHS),
                             rng.choice(["api", "web", "www.example.com"]),
                             rng.choice([{}, {"x-team": "a"}, {"x-team": "bb"}]), rng.choice(tokens))
                for _ in range(12)]


def one(seed):
    """Counts and None, or the counts so far and what is broken."""
    top = tempfile.mkdtemp(prefix="istio-fix-properties.")
    run = Run(seed, top)
    try:
        return run.all(), None
    except Broken as e:
        return run.counts, "seed %d (%s): %s" % (seed, run.tree.layout, e)
    finally:
        shutil.rmtree(top)


def keep(folder, seed):
    """The states of one tree and what the tool said, for a person."""
    run = Run(seed, os.path.join(folder, "work"))
    os.makedirs(run.top)
    plant(run.top, run.tree.files)
    shutil.copytree(run.top, os.path.join(folder, "0-start"))
    for i, phase in enumerate(PHASES):
        text = run.call("apply", "--phase", phase, "--all", "-i", "--accept", "C38", *run.tree.args, codes=(0, 1, 2, 3))
        print("== %s\n%s" % (phase, text))
        shutil.copytree(run.top, os.path.join(folder, "%d-%s" % (i + 1, phase)))
    print("options: %s" % " ".join(run.tree.args))


def main():
    if sys.argv[1:2] == ["--keep"]:
        keep(sys.argv[2], int(sys.argv[3]))
        return 0
    first, last = 0, SUITE
    if sys.argv[1:]:
        first, _, last = ("0-" + sys.argv[1] if "-" not in sys.argv[1] else sys.argv[1]).partition("-")
    counts, broken = collections.Counter(), []
    seeds = range(int(first), int(last))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for c, problem in pool.map(one, seeds, chunksize=4):
            counts += c
            if problem:
                broken.append(problem)
                if len(broken) <= 20:
                    print(problem)
    print("%d trees: %s; %d broken" % (len(seeds), ", ".join("%d %s" % (n, w) for w, n in sorted(counts.items())),
                                       len(broken)))
    if not broken and counts["namespaces moved"] * 3 < len(seeds):
        print("too few namespaces were moved for this to say anything")
        return 1
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
