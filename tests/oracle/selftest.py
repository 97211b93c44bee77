#!/usr/bin/env python3
"""The oracle's own test: handmade good and bad pairs, then seeded damage to good pairs.

    selftest.py [ROUNDS]      rounds of seeded damage (default 1); needs the shared folder, skipped without
"""
import difflib
import os
import random
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import yaml  # noqa: E402

from oracle import comments, proof, shared, tree  # noqa: E402

BEFORE = b"""\
# head
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web  # the name
  annotations:
    # why it is off
    sidecar.istio.io/inject: "false"  # PLAT-1
    # team comment
    team: a
spec:
  replicas: 2
  template:
    metadata:
      labels:
        app: web

    spec:
      text: |
        one

        # two
      flag: "true"
---
kind: Service
metadata: {name: web, labels: {a: "1", b: c}}  # flow
"""
MOVED = BEFORE.replace(b"""\
    # why it is off
    sidecar.istio.io/inject: "false"  # PLAT-1
""", b"").replace(b"""\
        app: web

""", b"""\
        app: web
      annotations:
        # why it is off
        sidecar.istio.io/inject: "false"  # PLAT-1

""")
MOVE = [{"verb": "move", "path": 'metadata.annotations["sidecar.istio.io/inject"]',
         "to": 'spec.template.metadata.annotations["sidecar.istio.io/inject"]'}]


def report(*ops, path="x.yaml"):
    return {"results": [{"path": path, "fix": {"applied": True, "operations": list(ops)}}]}


class Pairs(unittest.TestCase):
    def good(self, a, b, ops=None):
        r = proof.check(a, b, ops)
        self.assertTrue(r.ok and r.checkable, r.human())
        return r

    def bad(self, a, b, word, ops=None):
        self.assertNotEqual(a, b)
        r = proof.check(a, b, ops)
        self.assertFalse(r.ok, "not caught: " + word + "\n" + r.human())
        self.assertTrue(any(word in e for e in r.errors), "caught for another reason than '%s':\n%s" % (word, r.human()))
        return r

    def edit(self, old, new, word, ops=None, text=MOVED):
        self.assertIn(old, text)
        return self.bad(BEFORE, text.replace(old, new, 1), word, ops)

    def test_identical(self):
        self.assertTrue(proof.check(BEFORE, BEFORE).identical)

    def test_moved_key(self):
        r = self.good(BEFORE, MOVED)
        self.assertEqual([d.kind for d in r.diffs], ["moved"])
        self.good(BEFORE, MOVED, report(*MOVE))
        self.good(BEFORE, MOVED, report({"verb": "move", "path": "/metadata/annotations/sidecar.istio.io~1inject"}))
        self.good(BEFORE.replace(b"\n", b"\r\n"), MOVED.replace(b"\n", b"\r\n"))
        self.good(proof.BOM + BEFORE, proof.BOM + MOVED)

    def test_respelt(self):
        self.edit(b'inject: "false"', b"inject: 'false'", "spelt another way", report(*MOVE))
        self.edit(b'inject: "false"', b'inject:  "false"', "spelt another way", report(*MOVE))

    def test_undeclared(self):
        self.bad(BEFORE, MOVED, "undeclared", report())
        self.bad(BEFORE, MOVED, "undeclared", report({"verb": "move", "path": "metadata.labels.x"}))
        self.bad(BEFORE, MOVED, "undeclared", report({"verb": "set", "path": "spec.replicas"}))

    def test_comment_lost(self):
        self.edit(b"        # why it is off\n", b"", "comment lost")
        self.edit(b"  # PLAT-1", b"", "comment lost")
        self.edit(b"# head\n", b"", "comment lost")
        self.edit(b"    # team comment\n", b"", "comment lost")
        self.edit(b"  # flow", b"", "comment lost")

    def test_comment_more(self):
        self.edit(b"    # team comment\n", b"    # team comment\n    # team comment\n", "appears more often")
        self.edit(b"  # flow", b"  # flow, new", "is new")

    def test_comment_on_another_entry(self):
        self.edit(b"    # team comment\n    team: a\n", b"    team: a  # team comment\n", "line changed")
        a = b"a:\n  # one\n  x: 1\n  y: 2\n"
        self.bad(a, b"a:\n  x: 1\n  # one\n  y: 2\n", "belonged to 'x'")

    def test_declared_removal(self):
        a = b"metadata:\n  labels:\n    # gone\n    # too\n    x: y # tail\n    z: w\n"
        b = b"metadata:\n  labels:\n    z: w\n"
        op = {"verb": "remove", "path": "metadata.labels.x", "comments": ["# gone", "too", "# tail"]}
        self.good(a, b, report(op))
        self.bad(a, b, "comment lost: # tail", report(dict(op, comments=["gone", "too"])))
        self.bad(a, b, "undeclared", report(dict(op, path="metadata.labels.q")))
        self.bad(a, b, "undeclared")

    def test_types(self):
        self.edit(b'flag: "true"', b"flag: true", "changed spec.template.spec.flag: str 'true' -> bool 'true'")
        self.edit(b'a: "1"', b"a: 1", "undeclared")
        self.edit(b'inject: "false"', b"inject: false", "undeclared")
        self.edit(b'flag: "true"', b"flag: 'true'", "line changed")  # same data: no reason at all
        for text, kind in (("yes", "bool"), ("n", "bool"), ("08", "int"), ("1e3", "float"), ("0o17", "int"),
                           ("1:20", "int"), ("1_000", "int"), (".5", "float"), ("~", "null"), ("<<", "merge"),
                           ("2024-01-02", "timestamp"), ("1.2.3", "str"), ("0x", "str"), ("-", "str"), ("e3", "str")):
            self.assertEqual(tree.plain_type(text), kind, text)

    def test_value_fix(self):
        a, b = b"m:\n  x: 1.10 # keep\n", b'm:\n  x: "1.10" # keep\n'
        self.good(a, b, report({"verb": "set", "path": "m.x", "to": '"1.10"'}))
        self.bad(a, b, "undeclared")
        self.bad(a, b'm:\n  x: "1.10"  # keep\n', "beside the value", report({"verb": "set", "path": "m.x"}))
        self.bad(a, b'm:\n   x: "1.10" # keep\n', "beside the value", report({"verb": "set", "path": "m.x"}))

    def test_literal(self):
        self.edit(b"one\n\n        # two", b"one\n        # two", "changed spec.template.spec.text")
        self.edit(b"        # two\n", b"", "changed spec.template.spec.text")

    def test_blank_lines_and_space(self):
        self.edit(b"PLAT-1\n\n    spec", b"PLAT-1\n    spec", "line changed")
        self.edit(b"PLAT-1\n\n    spec", b"PLAT-1\n\n\n    spec", "line changed")
        self.edit(b"replicas: 2\n", b"replicas: 2 \n", "line changed")
        self.edit(b"replicas: 2\n", b"replicas:  2\n", "line changed")

    def test_stream(self):
        docs = MOVED.split(b"---\n")
        self.bad(BEFORE, docs[1] + b"---\n" + docs[0], "undeclared")
        docs = BEFORE.split(b"---\n")
        self.bad(BEFORE + b"---\n" + docs[1], BEFORE + b"---\nx: y\n", "undeclared")
        self.bad(b"---\na: 1\n---\nb: 2\n", b"---\nb: 2\n---\na: 1\n", "documents re-ordered")
        self.bad(BEFORE, MOVED + b"---\nx: y\n", "number of documents")
        self.bad(BEFORE, docs[0], "number of documents")
        self.bad(BEFORE, MOVED.replace(b"\n", b"\r\n"), "line ends changed")
        self.bad(BEFORE.replace(b"\n", b"\r\n"), MOVED, "line ends changed")
        crlf = BEFORE.replace(b"\n", b"\r\n")
        self.bad(crlf, MOVED.replace(b"\n", b"\r\n").replace(b"PLAT-1\r\n", b"PLAT-1\n"), "line ends changed")
        self.bad(proof.BOM + BEFORE, MOVED, "byte order mark lost")
        self.bad(BEFORE, MOVED[:-1], "final newline lost")
        self.bad(BEFORE[:-1], MOVED, "final newline added")
        self.good(BEFORE[:-1], MOVED[:-1])
        self.good(b"a: 1\n", b"a: 1\n---\nb: 2\n", report({"verb": "add", "path": ""}, {"verb": "add", "path": "b"}))

    def test_order(self):
        self.bad(b"a: 1\nb: 2\nc: 3\n", b"b: 2\na: 1\nc: 3\n", "order")

    def test_broken(self):
        self.bad(BEFORE, MOVED.replace(b"  labels:\n", b" labels:\n"), "not any more")

    def test_emptied_and_created(self):
        a = b"m:\n  name: x\n  annotations:\n    k: v # c\nt:\n  m:\n    l: 1\n"
        self.good(a, b"m:\n  name: x\nt:\n  m:\n    l: 1\n    annotations:\n      k: v # c\n")
        a = b"m:\n  annotations:\n    k: v\nt:\n  annotations:\n"
        self.good(a, b"m: {}\nt:\n  annotations:\n    k: v\n")
        self.good(a, b"m:\n  annotations:\nt:\n  annotations:\n    k: v\n")
        self.bad(a, b"m: {}\nt:\n  bnnotations:\n    k: v\n", "undeclared")

    def test_flow(self):
        a = b"m: {a: {k: v, x: y}} # c\nt:\n  z: 1\n"
        self.good(a, b"m: {a: {x: y}} # c\nt:\n  z: 1\n  k: v\n", report({"verb": "move", "path": "m.a.k", "to": "t.k"}))
        a = b'{"m": {"a": {"k": "v"}},\n "t": {"z": 1}}\n'
        self.good(a, b'{"m": {},\n "t": {"z": 1, "a": {"k": "v"}}}\n', report({"verb": "move", "path": "m.a.k"}))
        self.bad(a, b'{"m": {},\n "t": {"z": "1", "a": {"k": "v"}}}\n', "undeclared")

    def test_several_targets(self):
        a = b"m:\n  k: v # c\na: {l: 0}\nb:\n  m:\n    x: 1\n"
        b = b"a: {l: 0, m: {k: v}} # c\nb:\n  m:\n    x: 1\n    k: v # c\n"
        r = self.good(a, b, report({"verb": "move", "path": "m.k"}))
        self.assertEqual([len(d.to) for d in r.diffs], [1, 2])
        self.bad(a, b.replace(b"b:\n", b"b: # c\n"), "appears more often")
        self.bad(a, b.replace(b"m: {k: v}", b"k: v"), "undeclared")

    def test_rename_and_wrap(self):
        a = b"s:\n  old: # c\n    x: 1\n    y: 2\n"
        op = {"verb": "rename", "path": "s.old", "to": "new"}
        self.good(a, b"s:\n  new: # c\n    x: 1\n    y: 2\n", report(op))
        self.bad(a, b"s:\n  new: # c\n    x: 1\n    y: 2\n", "undeclared")
        self.bad(a, b"s:\n  new: # c\n    x: 1\n    y:  2\n", "line changed", report(op))
        a, b = b"s:\n- p: 5 # c\n", b"s:\n- q:\n    value: 5 # c\n"
        self.good(a, b, report({"verb": "wrap", "path": "s[0].p", "to": "s[0].q.value"}, {"verb": "rename", "path": "s[0].p", "to": "q"}))

    def test_duplicate_keys(self):
        a = b"m:\n  k: 1\n  k: 2\n  z: 3\n"
        self.good(a, b"m:\n  k: 2\n  z: 3\n", report({"verb": "remove", "path": "m.k"}))
        self.bad(a, b"m:\n  k: 2\n  z: 3\n", "undeclared")
        self.bad(a, b"m:\n  k: 2\n  k: 1\n  z: 3\n", "undeclared")
        self.bad(a, a + b"  z: 3\n", "appears twice now: m.z")
        self.bad(a, a + b"m: 1\n", "appears twice now: m")

    def test_anchors(self):
        a = b"a: &x {k: v}\nb: *x\n"
        self.bad(a, b"a: &x {k: v}\nb: {k: v}\n", "undeclared")
        self.bad(a, b"a: &y {k: v}\nb: *y\n", "undeclared")

    def test_embedded(self):
        a = b"data:\n  mesh: |\n    a: 1\n    # c\n    b: x\n  z: 1\n"
        op = {"verb": "set", "path": "data.mesh.b"}
        b = a.replace(b"b: x", b"b: y")
        self.good(a, b, report(op))
        self.good(a, b, report(dict(op, path="data.mesh")))
        self.bad(a, b, "undeclared", report(dict(op, path="data.mesh.a")))
        self.bad(a, b.replace(b"    # c\n", b""), "comment lost: # c", report(op))
        self.bad(a, a.replace(b"    # c\n", b""), "undeclared", report())

    def test_list_items(self):
        a = b"kind: List\nitems:\n- m:\n    x: 1\n"
        self.good(a, a.replace(b"1", b'"1"'), report({"verb": "set", "path": "m.x"}))
        self.good(a, a.replace(b"1", b'"1"'), report({"verb": "set", "path": "items[0].m.x"}))

    def test_not_checkable(self):
        a = b"a: {{ .X }}\n# c\n{{- end }}\nb: 1\n"
        r = proof.check(a, a.replace(b"b: 1", b"b: 2"))
        self.assertFalse(r.checkable)
        self.assertTrue(r.ok)
        self.assertFalse(proof.check(a, a.replace(b"# c\n", b"")).ok)


class Comments(unittest.TestCase):
    def lex(self, text, *want):
        self.assertEqual([c.text for c in comments.comments(text)], list(want), text)

    def test_where_a_hash_is_no_comment(self):
        self.lex("a: b#c # d", "# d")
        self.lex("a: 'x # y' # d", "# d")
        self.lex("a: 'it''s # y' # d", "# d")
        self.lex('a: "x \\" # y" # d', "# d")
        self.lex("a: it's # d", "# d")
        self.lex("'k # x': v # d", "# d")
        self.lex("a: \"two\n  # lines\" # d", "# d")
        self.lex("u: http://x/y#z", )
        self.lex("a: [b#c, 'd # e', f] # g", "# g")
        self.lex("a: {b: c, # d\n # e\n f: g} # h", "# d", "# e", "# h")
        self.lex("a: plain\n  \"more # c\n# d", "# c", "# d")

    def test_block_scalars(self):
        self.lex("a: | # c\n  # x\n\n  # y\n # less\nb: 1", "# c", "# less")
        self.lex("a: |\n\n  # x\n# y", "# y")
        self.lex("- name: |\n    # x\n  # y\n", "# y")
        self.lex("- |\n # x\n# y", "# y")
        self.lex("a: >2-\n   # x\n  # y\n # z", "# z")
        self.lex("a: !!str |\n  # x\n# y", "# y")
        self.lex("a: &q |+\n  # x\nb: # y", "# y")
        self.lex("--- |\n# x\n--- # y\n", "# y")
        self.lex("a: |\n# y", "# y")
        self.lex("a: b | c # d\nx: # e\n", "# d", "# e")

    def test_owner(self):
        cs = comments.comments("# head\n\n# a\n# b\nk: v # c\n# last\n")
        self.assertEqual([(c.text, c.key) for c in cs],
                         [("# head", None), ("# a", "k"), ("# b", "k"), ("# c", "k"), ("# last", None)])

    def gaps(self, text):
        """Comments by PyYAML's scanner: a hash in the space between two tokens."""
        out, at = [], 0
        for t in yaml.scan(text, Loader=tree.LOADER):
            s, e = t.start_mark.index, t.end_mark.index
            if isinstance(t, yaml.ScalarToken) and t.style in ("|", ">"):
                head = text[s:e].split("\n")[0]
                if "#" in head:
                    out.append(head[head.index("#"):].strip())
            if s > at:
                gap = text[at:s].split("\n")
                out += [g[g.index("#"):].strip() for g in gap if "#" in g]
            at = max(at, e)
        out += [g[g.index("#"):].strip() for g in text[at:].split("\n") if "#" in g]
        return out

    def test_against_the_scanner(self):
        root = shared.find()
        if not root:
            self.skipTest("no shared folder")
        n = 0
        for d, _, names in os.walk(os.path.join(root, "corpus")):
            for name in names:
                if not name.endswith((".yaml", ".yml")):
                    continue
                with open(os.path.join(d, name), "rb") as f:
                    text = f.read().decode("utf-8", "replace").lstrip("\ufeff").replace("\r\n", "\n")
                try:
                    list(yaml.parse(text, Loader=tree.LOADER))
                    want = self.gaps(text)
                except yaml.YAMLError:
                    continue
                n += 1
                self.assertEqual(sorted(c.text for c in comments.comments(text)), sorted(want), os.path.join(d, name))
        self.assertGreater(n, 50)


class Damage(unittest.TestCase):
    rounds = 1

    def test_damage(self):
        """Every golden pair passes; with one random wound in the golden file it does not."""
        root = shared.find()
        if not root:
            self.skipTest("no shared folder")
        for seed in range(1, self.rounds + 1):
            with tempfile.TemporaryDirectory() as tmp:
                subprocess.run([sys.executable, os.path.join(root, "bench", "gen_tree.py"), tmp, "--files", "300",
                                "--seed", str(seed)], check=True, stdout=subprocess.DEVNULL)
                rng = random.Random(seed)
                for d, _, names in sorted(os.walk(os.path.join(tmp, "in"))):
                    for name in sorted(names):
                        p = os.path.join(d, name)
                        with open(p, "rb") as f:
                            a = f.read()
                        with open(os.path.join(tmp, "golden", os.path.relpath(p, os.path.join(tmp, "in"))), "rb") as f:
                            b = f.read()
                        r = proof.check(a, b)
                        self.assertTrue(r.ok and r.checkable, p + "\n" + r.human())
                        for _ in range(4):
                            self.wound(rng, p, a, b)

    def wound(self, rng, path, a, b):
        lines = proof.LINE.findall(b)
        i = rng.randrange(len(lines))
        how = rng.choice(["drop", "double", "space", "byte", "quote", "blank", "dedent"])
        old = lines[i]
        if how == "drop":
            lines[i] = b""
        elif how == "double":
            lines[i] = old + old
        elif how == "space":
            lines[i] = old.rstrip(b"\r\n") + b" " + old[len(old.rstrip(b"\r\n")):]
        elif how == "byte":
            j = rng.randrange(len(old))
            lines[i] = old[:j] + bytes([rng.choice(b"x0 #:")]) + old[j + 1:]
        elif how == "quote":
            lines[i] = old.replace(b'"', b"").replace(b"'", b"")
        elif how == "blank":
            lines[i] = b"\n" + old
        elif how == "dedent":
            lines[i] = old[1:] if old[:1] == b" " else b" " + old
        c = b"".join(lines)
        if c in (b, a):
            return
        r = proof.check(a, c)
        if r.ok and r.checkable and not self.forgiven(a, b, c, i):
            self.fail("%s of line %d not caught in %s: %r -> %r\n%s" % (how, i + 1, path, old, lines[i], r.human()))

    @staticmethod
    def forgiven(a, b, c, i):
        """On the moved lines themselves the oracle judges data and comments, not looks."""
        same = difflib.SequenceMatcher(None, proof.LINE.findall(a), proof.LINE.findall(b), autojunk=False)
        near = {j for tag, _, _, j1, j2 in same.get_opcodes() if tag != "equal" for j in range(j1, j2 + 1)}
        return i in near


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        Damage.rounds = int(sys.argv.pop(1))
    unittest.main()
