#!/usr/bin/env python3
"""proof.py BEFORE AFTER [--report REPORT.json] [--path PATH] [--json]

An independent judge of one rewrite. It shares no code and no parser with istio-fix: PyYAML events give
the data, comments.py gives the comments, and nothing here knows what a rule is meant to do.

  data      what differs between the two trees: moved, renamed, added, removed, changed, order
  declared  every difference is covered by an operation of the report (`istio-fix -i -f json`); without a
            report only entries moved from annotations to annotations (labels to labels) are fine,
            because nothing else can be right without being told
  comments  each one is there as often as before and still belongs to the same key; the only way out
            is the "comments" of a declared "remove"
  lines     a line that no difference touches is in AFTER, byte for byte and in the same order
  stream    documents, line ends, byte order mark and final newline are as they were

    from oracle import proof
    r = proof.check(before_bytes, after_bytes, report=dict_or_None, path="as in the report")
    r.ok, r.checkable, r.errors, r.notes, r.diffs, r.lost, r.duplicated, r.lines

A document that PyYAML cannot read is "not checkable" (r.checkable is False): its comments, line ends and
markers are still checked. Exit: 0 ok, 1 not ok, 2 usage, 3 not checkable.

Where istio-fix explains itself with an operation, any path syntax is understood: a.b["c.d/e"][0],
a.b.c\\.d/e, /a/b/c.d~1e; relative to the document or to an item of a List.
"""
import argparse
import collections
import difflib
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from oracle import comments as lexer  # noqa: E402
from oracle import tree  # noqa: E402

BOM = b"\xef\xbb\xbf"
MARKER = re.compile(rb"---(?:[ \t\r\n]|$)")
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Diff:
    """One difference. kind: moved, renamed, added, removed, changed, order.

    path, to   lists of keys and indexes; to is a list of paths (moved, renamed)
    old, new   what was there and what is there, as text for a person
    doc        document, from 0
    """

    def __init__(self, kind, doc, path, old=None, new=None, to=()):
        self.kind, self.doc, self.path, self.old, self.new, self.to = kind, doc, list(path), old, new, [list(t) for t in to]
        self.declared = None

    def as_dict(self):
        d = {"kind": self.kind, "document": self.doc + 1, "path": show_path(self.path), "old": self.old, "new": self.new}
        if self.to:
            d["to"] = [show_path(t) for t in self.to]
        return {k: v for k, v in d.items() if v is not None}

    def __str__(self):
        s = "%s %s" % (self.kind, show_path(self.path))
        if self.to:
            s += " -> " + ", ".join(show_path(t) for t in self.to)
        if self.kind in ("changed", "order"):
            s += ": %s -> %s" % (self.old, self.new)
        elif self.kind in ("added", "removed"):
            s += ": %s" % (self.new or self.old)
        return "document %d: %s" % (self.doc + 1, s)


def show_path(path):
    out = ""
    for p in path:
        if isinstance(p, int):
            out += "[%d]" % p
        elif re.match(r"[\w-]+$", p):
            out += ("." if out else "") + p
        else:
            out += '["%s"]' % p
    return out or "(document)"


class Result:
    def __init__(self):
        self.checkable = True
        self.identical = False
        self.errors, self.notes = [], []
        self.diffs = []
        self.lost, self.duplicated, self.declared_lost = [], [], []
        self.lines = {"removed": 0, "added": 0, "unexplained": []}
        self.undeclared = []

    @property
    def ok(self):
        return not self.errors

    def as_dict(self):
        return {"ok": self.ok, "checkable": self.checkable, "identical": self.identical, "errors": self.errors,
                "notes": self.notes, "diffs": [d.as_dict() for d in self.diffs],
                "comments": {"lost": self.lost, "duplicated": self.duplicated, "declared": self.declared_lost},
                "lines": self.lines}

    def human(self):
        word = "identical" if self.identical else "ok" if self.ok else "NOT OK"
        if not self.checkable:
            word += " (data not checkable)"
        out = [word] + ["  error: " + e for e in self.errors] + ["  note: " + n for n in self.notes]
        return "\n".join(out + ["  data: " + str(d) for d in self.diffs])


# --- the stream -----------------------------------------------------------------------------------------------


def split(data):
    """Cut at the markers: bytes of each document, its directives and head comments included."""
    lines = LINE.findall(data)
    docs, cur, real = [], [], False
    for line in lines:
        if MARKER.match(line):
            # directives behind a "..." go with the document they head
            k = len(cur)
            while k and (cur[k - 1][:1] in (b"%", b"#") or not cur[k - 1].strip()):
                k -= 1
            if not (k and cur[k - 1].startswith(b"...") and any(x.startswith(b"%") for x in cur[k:])):
                k = len(cur)
            if real and cur[:k]:
                docs.append(b"".join(cur[:k]))
                cur = cur[k:]
            real = True
        elif line.strip() and line[:1] not in (b"%", b"#"):
            real = True
        cur.append(line)
    if cur:
        docs.append(b"".join(cur))
    return docs


def eols(data):
    n = data.count(b"\r\n")
    return {k: v for k, v in (("CRLF", n), ("LF", data.count(b"\n") - n), ("CR", data.count(b"\r") - n)) if v}


# --- declared operations --------------------------------------------------------------------------------------


def tokens(path):
    """A declared path as a list of words, whatever its syntax."""
    path = path.strip().replace(" | ", ".")  # into the text of a scalar
    if path.startswith("/"):
        return [t.replace("~1", "/").replace("~0", "~") for t in path[1:].split("/")]
    out = []
    for m in re.finditer(r"""\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'((?:[^']|'')*)'\s*\]|\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|((?:\\.|[^.\[\]"])+)""", path):
        t = next(g for g in m.groups() if g is not None)
        out.append(re.sub(r"\\(.)", r"\1", t))
    return [t for t in out if t not in ("$", "")]


def flat(path):
    """Compared without regard to where a dotted key was cut."""
    return ".".join(str(p) for p in path)


class Operations:
    def __init__(self, report, path):
        self.ops = []
        if report is None:
            self.known = False
            return
        self.known = True
        results = report
        if isinstance(report, dict):
            results = report.get("results", [])
        if results and "verb" in results[0]:
            self.ops = list(results)
        else:
            fixes = [r for r in results if path is None or r.get("path") == path]
            fixes = [r.get("fix") or {} for r in fixes]
            if any(f.get("applied") for f in fixes):
                fixes = [f for f in fixes if f.get("applied")]
            for f in fixes:
                self.ops += f.get("operations") or []
        for op in self.ops:
            op["_paths"] = [flat(tokens(v)) for k, v in op.items()
                            if k in ("path", "from", "to", "target", "at") and isinstance(v, str)]
            p = op.get("path")
            if op.get("verb") == "rename" and isinstance(p, str) and isinstance(op.get("to"), str):
                op["_paths"].append(flat(tokens(p)[:-1] + [op["to"]]))

    def covers(self, path, verbs):
        """Is this place named by an operation: itself, above it, or (a container) below it?"""
        words = [str(p) for p in path]
        places = [flat(words)]
        for i, w in enumerate(words[:-1]):  # relative to an item of a List
            if re.match(r"\d+$", w) and i and words[i - 1] == "items":
                places.append(flat(words[i + 1:]))
        for op in self.ops:
            if op.get("verb") not in verbs:
                continue
            for d in op["_paths"]:
                for p in places:
                    if p == d or p.startswith(d + ".") or d.startswith(p + "."):
                        return True
        return False

    def inside(self, path):
        """Operations on the text of the scalar at `path`, for the comments that they declare."""
        host = flat(path)
        return [dict(op) for op in self.ops if any(host in p for p in op["_paths"])]

    def comments(self):
        out = collections.Counter()
        for op in self.ops:
            for c in op.get("comments") or []:
                c = c.strip()
                for line in c.splitlines():
                    line = line.strip()
                    out[line if line.startswith("#") else "# " + line] += 1
        return out


VERBS = {
    "moved": {"move", "wrap", "rename", "insert", "remove", "set"},
    "renamed": {"rename", "move"},
    "added": {"insert", "wrap", "move", "add", "set", "rename"},
    "removed": {"remove", "move", "wrap", "drop", "rename"},
    "changed": {"set", "wrap", "rename", "insert", "remove", "move"},
    "order": {"move"},
}


# --- the data -------------------------------------------------------------------------------------------------


class Entry:
    """A mapping entry or sequence item that is on one side only."""

    def __init__(self, path, key, value, home):
        self.path, self.key, self.value, self.home = path, key, value, home
        self.match = None  # what it became on the other side
        self.covered = False  # part of a larger match
        self.children = []
        if value.kind == "map":
            self.children = [Entry(path + [name_of(k)], k, v, value) for k, v in value.items]
        elif value.kind == "seq":
            self.children = [Entry(path + [i], None, v, value) for i, v in enumerate(value.items)]

    def walk(self):
        yield self
        for c in self.children:
            yield from c.walk()

    def cover(self):
        for c in self.walk():
            c.covered = True

    def same(self):
        return (self.key.canon() if self.key is not None else None, self.value.canon())

    def start(self):
        return self.key.start if self.key is not None else self.value.start

    def all_matched(self):
        if self.match:
            return True
        if self.value.anchor or self.value.tag:
            return False
        return bool(self.children) and all(c.all_matched() for c in self.children)


def name_of(key):
    if key.kind in ("scalar", "alias"):
        return key.text
    return repr(key.canon())


EMPTY = tree.Node("map", 0, 0, style="block", items=[])


def is_null(node):
    return node.kind == "scalar" and node.type == "null" and not node.anchor and not node.tag


class Side:
    """One document, before or after."""

    def __init__(self, data):
        self.data = data
        self.text = data.decode("utf-8", "surrogateescape")
        self.lines = tree.Lines(self.text)
        self.raw = lexer.BREAK.split(self.text)
        self.touched = set()
        self.comments = lexer.comments(self.text)

    def touch(self, start, end):
        self.touched.update(self.lines.span(start, end))


class Compare:
    def __init__(self, result, doc, before, after, ops):
        self.r, self.doc, self.a, self.b, self.ops = result, doc, before, after, ops
        self.removed, self.added = [], []
        self.found = []
        self.keys = set()  # keys that a difference names

    def diff(self, kind, path, old=None, new=None, to=()):
        d = Diff(kind, self.doc, path, old, new, to)
        self.found.append(d)
        for p in [path] + list(to):
            self.keys.update(str(k) for k in p[-2:])
        return d

    def roots(self, old, new):
        for i in range(max(len(old), len(new))):
            if i >= len(new):
                self.diff("removed", [], old[i].show())
                self.a.touch(old[i].start, old[i].end)
            elif i >= len(old):
                self.diff("added", [], None, new[i].show())
                self.b.touch(new[i].start, new[i].end)
            else:
                self.node([], old[i], new[i], None, None, None)
        self.pair()

    def node(self, path, old, new, okey, nkey, in_seq):
        if old.canon() == new.canon():
            return
        emptied = (old.kind == "map" and is_null(new)) or (new.kind == "map" and is_null(old))
        if emptied or (old.kind == new.kind == "map"):
            o = old if old.kind == "map" else EMPTY
            n = new if new.kind == "map" else EMPTY
            if (old.anchor, old.tag) != (new.anchor, new.tag):
                self.changed(path, old, new)
            if bool(o.items) != bool(n.items):  # {} comes or goes on the key's own line
                for side, key, val in ((self.a, okey, old), (self.b, nkey, new)):
                    if key is not None:
                        side.touch(key.start, key.end)
                    if val.kind != "map" or not val.items or val.flow:
                        side.touch(val.start, val.end)
            self.map(path, o, n, in_seq)
        elif old.kind == new.kind == "seq" and (old.anchor, old.tag) == (new.anchor, new.tag):
            self.seq(path, old, new)
        else:
            self.changed(path, old, new)

    def changed(self, path, old, new):
        if self.embedded(path, old, new):
            return
        self.diff("changed", path, old.show(), new.show())
        self.a.touch(old.start, old.end)
        self.b.touch(new.start, new.end)
        la, lb = self.a.lines.span(old.start, old.end), self.b.lines.span(new.start, new.end)
        if len(la) == len(lb) == 1 and old.kind == new.kind == "scalar":
            self.beside.append((path, la[0], lb[0], old, new))

    beside = ()

    def embedded(self, path, old, new):
        """YAML as text in a scalar: compare what it says, not how it is spelt."""
        if not (old.kind == new.kind == "scalar" and old.type == new.type == "str" and old.style and new.style):
            return False
        if ":" not in old.text or old.anchor != new.anchor or old.tag != new.tag:
            return False
        if "\n" not in old.text and "proxy.istio.io/config" not in path:
            return False
        try:
            o, n = tree.parse(old.text), tree.parse(new.text)
        except tree.Unreadable:
            return False
        if len(o) != 1 or len(n) != 1 or o[0].kind != "map" or n[0].kind != "map":
            return False
        inner = check(old.text.encode("utf-8", "surrogateescape"), new.text.encode("utf-8", "surrogateescape"),
                      report=self.ops.inside(path), _nested=True)
        if not inner.checkable or not inner.diffs:
            return False
        for e in inner.errors:
            self.r.errors.append("text in %s: %s" % (show_path(path), e))
        for d in inner.diffs:
            self.diff(d.kind, path + d.path, d.old, d.new, [path + t for t in d.to])
        self.a.touch(old.start, old.end)
        self.b.touch(new.start, new.end)
        return True

    def map(self, path, old, new, in_seq):
        def index(m):
            seen, out = collections.Counter(), collections.OrderedDict()
            for k, v in m.items:
                c = k.canon()
                out[(c, seen[c])] = (k, v)  # the n-th of duplicate keys is compared with the n-th
                seen[c] += 1
            return out
        a, b = index(old), index(new)
        for c, n in b:
            if n and (c, n) not in a:
                self.r.errors.append("document %d: key appears twice now: %s" % (self.doc + 1, show_path(path + [str(c[2])])))
        if any(n for _, n in a) and len(a) > len(b):  # one of a pair went: which one is told by its value
            a, b = self.duplicates(a, b)
        gone = [k for k in a if k not in b]
        come = [k for k in b if k not in a]
        for k in list(gone):  # same value under another key, at the same place: renamed
            va = a[k][1].canon()
            pos = list(a).index(k)
            for j in come:
                if b[j][1].canon() == va and list(b).index(j) == pos and len(a) == len(b):
                    ka, kb = a[k][0], b[j][0]
                    self.diff("renamed", path + [name_of(ka)], name_of(ka), name_of(kb), [path + [name_of(kb)]])
                    self.a.touch(ka.start, ka.end)
                    self.b.touch(kb.start, kb.end)
                    gone.remove(k)
                    come.remove(j)
                    break
        keep_a, keep_b = [k for k in a if k in b], [k for k in b if k in a]
        if keep_a != keep_b:
            self.diff("order", path, ", ".join(name_of(a[k][0]) for k in keep_a),
                      ", ".join(name_of(b[k][0]) for k in keep_b))
            for side, m in ((self.a, old), (self.b, new)):
                side.touch(m.start, m.end)
        self.removed += [Entry(path + [name_of(a[k][0])], a[k][0], a[k][1], old) for k in gone]
        self.added += [Entry(path + [name_of(b[k][0])], b[k][0], b[k][1], new) for k in come]
        if in_seq and old.items and new.items and old.items[0][0].canon() != new.items[0][0].canon():
            # "- first: x" goes and "second" takes over its dash
            for side, m in ((self.a, old), (self.b, new)):
                first = {id(x): x for x in (old.items[0][0], new.items[0][0])}
                for k, _ in m.items:
                    if any(k.canon() == f.canon() for f in first.values()):
                        side.touch(k.start, k.end)
        for k in keep_a:
            self.node(path + [name_of(a[k][0])], a[k][1], b[k][1], a[k][0], b[k][0], False)

    @staticmethod
    def duplicates(a, b):
        def by_value(m):
            seen, out = collections.Counter(), collections.OrderedDict()
            for (c, _), kv in m.items():
                v = (c, kv[1].canon())
                out[(v, seen[v])] = kv
                seen[v] += 1
            return out
        va, vb = by_value(a), by_value(b)
        if all(k in va for k in vb):
            return va, vb
        return a, b

    def seq(self, path, old, new):
        a, b = old.items, new.items
        if len(a) == len(b):
            for i, (x, y) in enumerate(zip(a, b)):
                self.node(path + [i], x, y, None, None, True)
            return
        m = difflib.SequenceMatcher(None, [x.canon() for x in a], [x.canon() for x in b], autojunk=False)
        for tag, i1, i2, j1, j2 in m.get_opcodes():
            if tag == "equal":
                continue
            n = min(i2 - i1, j2 - j1)
            for k in range(n):
                self.node(path + [i1 + k], a[i1 + k], b[j1 + k], None, None, True)
            self.removed += [Entry(path + [k], None, a[k], old) for k in range(i1 + n, i2)]
            self.added += [Entry(path + [k], None, b[k], new) for k in range(j1 + n, j2)]

    def pair(self):
        """What is gone here and came there was moved; the rest is really removed or added."""
        pool = {}
        for top in self.added:
            for e in top.walk():
                pool.setdefault(e.same(), []).append(e)
        moves = []
        for top in self.removed:
            for e in top.walk():
                if e.covered:
                    continue
                for c in pool.get(e.same(), ()):
                    if not c.covered and e.key is not None:
                        e.cover()
                        c.cover()
                        e.match, c.match = [c], e
                        moves.append(e)
                        break
        for top in moves[:]:  # into several places, the second time perhaps without the map around it
            for e in top.walk():
                for c in pool.get(e.same(), ()) if e.key is not None else ():
                    if not c.covered:
                        c.cover()
                        c.match = e
                        e.match = (e.match or []) + [c]
                        if e not in moves:
                            moves.append(e)
                            e.match[:0] = [x for x in top.match[:1] if x is not c]
        for e in moves:
            self.diff("moved", e.path, to=[c.path for c in e.match])
            for c in e.match:
                was, now = self.a.text[e.start():e.value.end], self.b.text[c.start():c.value.end]
                if e.value.kind == "scalar" and not (e.home.flow or c.home.flow or re.search("[\\r\\n]", was)) and was != now:
                    self.r.errors.append("document %d: moved, but spelt another way: %s -> %s" % (self.doc + 1, was, now))
        self.rest(self.removed, "removed")
        self.rest(self.added, "added")
        for side, tops in ((self.a, self.removed), (self.b, self.added)):
            for top in tops:
                side.touch(top.start(), top.value.end)
                if top.home.flow:
                    side.touch(top.home.start, top.home.end)
        # a flow collection that loses an entry is rewritten on both sides: its commas
        for top in self.removed + self.added:
            if top.home.flow:
                self.flow_partner(top)

    def flow_partner(self, top):
        other = self.b if top in self.removed else self.a
        roots = self.new if top in self.removed else self.old
        node = find(roots, top.path[:-1])
        if node is not None and node.flow:
            other.touch(node.start, node.end)

    def rest(self, tops, kind):
        for top in tops:
            self.leftover(top, kind)

    def leftover(self, e, kind):
        if e.match or e.all_matched():  # moved, or a container that only held what moved
            return
        if any(c.match for c in e.walk()) and e.children:
            for c in e.children:
                self.leftover(c, kind)
            return
        self.diff(kind, e.path, e.value.show() if kind == "removed" else None, e.value.show() if kind == "added" else None)


def find(roots, path):
    for node in roots:
        for p in path:
            if node.kind == "map" and not isinstance(p, int):
                node = next((v for k, v in node.items if name_of(k) == p), None)
            elif node.kind == "seq" and isinstance(p, int) and p < len(node.items):
                node = node.items[p]
            else:
                node = None
            if node is None:
                break
        if node is not None:
            return node
    return None


# --- lines and comments ---------------------------------------------------------------------------------------


def own_lines(side):
    return {c.line: c for c in side.comments if c.own}


def adjacent(side):
    """Comment lines that lean on a touched line: the block above it, the lines below it."""
    own = own_lines(side)
    out = set()
    for n in side.touched:
        for step in (-1, 1):
            m = n + step
            while m in own and m not in side.touched:
                out.add(m)
                m += step
    return out


def body(side, skip, last_eol):
    """(line number, bytes) of all lines not in skip; a missing final newline is looked at elsewhere."""
    raw = LINE.findall(side.data)
    if raw and raw[-1][-1:] not in (b"\n", b"\r"):
        raw[-1] += last_eol
    return [(n, x) for n, x in enumerate(raw) if n not in skip]


def check_lines(r, doc, a, b, last_eol, where):
    left, right = body(a, a.touched, last_eol), body(b, b.touched, last_eol)
    lt, rt = [x for _, x in left], [x for _, x in right]
    bad_a, bad_b = [], []
    if lt != rt:
        i = 0
        while i < min(len(lt), len(rt)) and lt[i] == rt[i]:
            i += 1
        j = 0
        while j < min(len(lt), len(rt)) - i and lt[-1 - j] == rt[-1 - j]:
            j += 1
        la, lb = left[i:len(left) - j], right[i:len(right) - j]
        m = difflib.SequenceMatcher(None, [x for _, x in la], [x for _, x in lb], autojunk=False)
        for tag, i1, i2, j1, j2 in m.get_opcodes():
            if tag != "equal":
                bad_a += la[i1:i2]
                bad_b += lb[j1:j2]
    lean_a, lean_b = adjacent(a), adjacent(b)
    own_a, own_b = own_lines(a), own_lines(b)
    texts = {c.text for c in a.comments if c.line in a.touched or c.line in lean_a}
    for side, bad, own, lean, sign in ((a, bad_a, own_a, lean_a, "-"), (b, bad_b, own_b, lean_b, "+")):
        for n, line in bad:
            if n in own and (n in lean if sign == "-" else own[n].text in texts):
                continue  # a comment that travels with its entry; that it arrives is checked with the comments
            if sign == "-" and a.touched & set(range(n - 3, n)) and re.fullmatch(rb"[\s\]},]+", line):
                continue  # the closing brace of a flow map that went away; the data says whether it should
            show = line.decode("utf-8", "replace")
            r.lines["unexplained"].append("%s%d: %r" % (sign, where[0 if sign == "-" else 1] + n + 1, show))
    loose_a, loose_b = (len(re.findall(rb"[ \t](?:\r?\n|\r|$)", s.data)) for s in (a, b))
    if a.data and loose_b > loose_a:
        r.errors.append("document %d: blanks added at a line end" % (doc + 1))
    r.lines["removed"] += len(bad_a) + len(a.touched)
    r.lines["added"] += len(bad_b) + len(b.touched)


def check_beside(r, cmp, a, b):
    """A changed value on one line: the bytes before and behind it are as they were."""
    per = collections.Counter(x[1] for x in cmp.beside)
    for path, la, lb, old, new in cmp.beside:
        if per[la] > 1 or any(d.kind != "changed" for d in cmp.found):
            continue
        ha, hb = a.text[a.lines.starts[la]:old.start], b.text[b.lines.starts[lb]:new.start]
        ta = re.split(r"[\r\n]", a.text[old.end:], maxsplit=1)[0]
        tb = re.split(r"[\r\n]", b.text[new.end:], maxsplit=1)[0]
        if ha.rstrip() != hb.rstrip() or ta != tb:
            r.errors.append("document %d: bytes beside the value of %s changed" % (cmp.doc + 1, show_path(path)))


def check_comments(r, a_all, b_all, ops, copies, keys):
    before = collections.Counter(c.text for c in a_all)
    after = collections.Counter(c.text for c in b_all)
    declared = ops.comments() if ops.known else collections.Counter()
    loose = collections.Counter()
    for text, n in declared.items():
        loose[text.replace(" ", "")] += n
    for text in before | after:
        n = before[text] - after[text]
        while n > 0 and loose[text.replace(" ", "")] > 0:
            loose[text.replace(" ", "")] -= 1
            r.declared_lost.append(text)
            n -= 1
        if n > 0:
            r.lost += [text] * n
        if n < 0 and not (text in before and after[text] <= before[text] * copies):
            r.duplicated += [text] * -n
    for text in r.lost:
        r.errors.append("comment lost: %s" % text)
    for text in r.duplicated:
        r.errors.append("comment %s: %s" % ("appears more often" if text in before else "is new", text))
    one = {c.text: c for c in a_all if before[c.text] == 1}
    for c in b_all:
        o = one.get(c.text)
        if o is None or o.key is None or after[c.text] != 1:
            continue
        strip = lambda k: k.strip("'\"") if k else k  # noqa: E731
        if strip(o.key) != strip(c.key):
            text = "comment '%s' belonged to '%s', now to '%s'" % (c.text, o.key, c.key)
            if strip(o.key) in keys:
                r.notes.append(text)
            else:
                r.errors.append(text)


# --- all of it ------------------------------------------------------------------------------------------------


def check(before, after, report=None, path=None, _nested=False):
    """Judge the pair. report: the parsed JSON report, its results, or a list of operations; None: undeclared."""
    r = Result()
    if before == after:
        r.identical = True
        return r
    ops = Operations(report, path)
    if before.startswith(BOM) != after.startswith(BOM):
        r.errors.append("byte order mark " + ("lost" if before.startswith(BOM) else "added"))
    before, after = (x[3:] if x.startswith(BOM) else x for x in (before, after))
    ea, eb = eols(before), eols(after)
    if len(ea) == 1 and set(eb) - set(ea):
        r.errors.append("line ends changed: %s -> %s" % (ea, eb))
    if before and after and (before[-1:] in b"\r\n") != (after[-1:] in b"\r\n") and not _nested:
        r.errors.append("final newline " + ("lost" if before[-1:] in b"\r\n" else "added"))
    last_eol = {"CRLF": b"\r\n", "CR": b"\r"}.get(max(ea, key=ea.get) if ea else "", b"\n")
    da, db = split(before), split(after)
    pairs = list(zip(da, db))
    if len(da) != len(db):
        verbs = {op.get("verb") for op in ops.ops}
        if not verbs & {"add", "drop"}:
            r.errors.append("number of documents changed: %d -> %d" % (len(da), len(db)))
        m = difflib.SequenceMatcher(None, da, db, autojunk=False)
        pairs = []
        for _, i1, i2, j1, j2 in m.get_opcodes():
            for k in range(max(i2 - i1, j2 - j1)):
                pairs.append((da[i1 + k] if i1 + k < i2 else b"", db[j1 + k] if j1 + k < j2 else b""))
    elif da != db and sorted(da) == sorted(db):
        r.errors.append("documents re-ordered")
    copies = 1
    keys = set()
    all_a, all_b = [], []
    at = [0, 0]
    for doc, (x, y) in enumerate(pairs):
        if x != y:
            a, b = Side(x), Side(y)
            all_a += a.comments
            all_b += b.comments
            c = one_document(r, doc, a, b, last_eol, at, ops)
            if c is not None:
                keys |= c.keys
                for d in c.found:
                    copies = max(copies, len(d.to))
        at = [at[0] + len(re.findall(rb"\r\n|\r|\n", x)), at[1] + len(re.findall(rb"\r\n|\r|\n", y))]
    check_comments(r, all_a, all_b, ops, copies, keys)
    for line in r.lines["unexplained"][:20]:
        r.errors.append("line changed without a reason in the data: " + line)
    if not _nested:
        declare(r, ops)
    return r


def one_document(r, doc, a, b, last_eol, at, ops):
    try:
        old = tree.parse(a.text)
    except tree.Unreadable as e:
        r.checkable = False
        r.notes.append("document %d: not readable before: %s" % (doc + 1, e))
        return None
    try:
        new = tree.parse(b.text)
    except tree.Unreadable as e:
        r.errors.append("document %d: readable before, not any more: %s" % (doc + 1, e))
        return None
    c = Compare(r, doc, a, b, ops)
    c.old, c.new, c.beside = old, new, []
    c.roots(old, new)
    for side, other in ((a, b), (b, a)):
        if not other.data:  # a whole document, its marker included
            side.touch(0, len(side.text))
    r.diffs += c.found
    check_beside(r, c, a, b)
    check_lines(r, doc, a, b, last_eol, at)
    return c


def declare(r, ops):
    for d in r.diffs:
        if not ops.known:
            d.declared = d.kind == "moved" and bool({"annotations", "labels"} & set(map(str, d.path[-2:]))) and \
                all(d.path[-2:] == t[-2:] and d.path != t for t in d.to)
        else:
            verbs = VERBS[d.kind]
            d.declared = ops.covers(d.path, verbs) or any(ops.covers(t, verbs) for t in d.to)
        if not d.declared:
            r.undeclared.append(d)
            r.errors.append("undeclared: " + str(d))


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n")[1])
    ap.add_argument("before")
    ap.add_argument("after")
    ap.add_argument("--report", help="what istio-fix -i -f json printed")
    ap.add_argument("--path", help="the file's name in the report")
    ap.add_argument("--json", action="store_true")
    a = ap.parse_args()
    with open(a.before, "rb") as f:
        before = f.read()
    with open(a.after, "rb") as f:
        after = f.read()
    report = None
    if a.report:
        with open(a.report, encoding="utf-8") as f:
            report = json.load(f)
    r = check(before, after, report, a.path)
    print(json.dumps(r.as_dict(), indent=1, ensure_ascii=False) if a.json else r.human())
    sys.exit(1 if not r.ok else 3 if not r.checkable else 0)


if __name__ == "__main__":
    main()
