#!/usr/bin/env python3
"""Random operations on generated and real documents, done by the core and done again here on plain data.

    test_random_ops.py [COUNT [SEED]]      default 6000 operations, seed 1

`test_op --serve` does each operation and proves it, or refuses with a reason. A failed proof is a bug of the
core. What it did is then compared: the tree that PyYAML reads is the old tree with the operation applied, no
comment is lost or doubled, and lines that the operation does not touch are there byte for byte.
Environment: ISTIO_FIX (test_op is searched beside it), TEST_OP, ISTIO_FIX_SHARED. Exit 77: skipped.
"""
import collections
import difflib
import os
import random
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

shared.need_yaml()

from oracle import comments as lexer  # noqa: E402
from oracle import proof, tree  # noqa: E402

OK, NOMEM, EINVAL, REFUSED, EIO, LIMIT = range(6)
NONE = ["scalar", None, None, "null", ""]


class Core:
    def __init__(self):
        path = os.environ.get("TEST_OP") or os.path.join(os.path.dirname(shared.tool()), "test_op")
        if not os.access(path, os.X_OK):
            shared.skip("%s is not built" % path)
        self.p = subprocess.Popen([path, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, text, ops):
        ops = ops.encode()
        self.p.stdin.write(b"%d %d\n" % (len(text), len(ops)) + text + ops)
        self.p.stdin.flush()
        head = self.p.stdout.readline().split()
        if len(head) != 2:
            sys.exit("test_op died\n--- text\n%s\n--- ops\n%s" % (text.decode(), ops.decode()))
        return int(head[0]), self.p.stdout.read(int(head[1]))


# --- documents ------------------------------------------------------------------------------------------------


class Gen:
    """A random document. Every construct that manifests have, and some that they should not have."""

    def __init__(self, rng):
        self.r = rng
        self.step = rng.choice([2, 2, 2, 4, 3])
        self.flush = rng.random() < 0.5
        self.odd = rng.random() < 0.5  # tabs, tags, explicit keys, odd scalars
        self.chatty = rng.choice([0, 0.15, 0.4])
        self.n = 0
        self.anchors = []

    def chance(self, p):
        return self.r.random() < p

    def word(self):
        self.n += 1
        return self.r.choice(["a", "key", "name", "metadata", "annotations", "labels", "x.io/y", "é", "spec"]) + str(self.n)

    def key(self, flow=False):
        w = self.word()
        if self.chance(0.1):
            return '"%s"' % w
        if self.chance(0.07):
            return "'%s'" % w
        if self.odd and self.chance(0.05):
            return self.r.choice(['"%s \\u00e9 \\n"', "'it''s %s'", "%s with blanks"] + (["!!str %s"] if flow else ["? %s"])) % w
        return w

    def plain(self, flow=False):
        some = ["1", "true", "yes", "1.10", "0644", "~", "null", "2024-01-01", "12:30:45", "value", "two words", "a-b",
                "-1", "1e3", "http://x", "x#y", "é", "v", ".5", "="]
        if not flow:
            some += ["a, b", "x[0]", "a {b}", "x}"]
        return self.r.choice(some)

    def inline(self, depth, flow=False):
        r = self.r.random()
        if r < 0.45:
            return self.plain(flow)
        if r < 0.6:
            return '"%s"' % self.r.choice(["false", "a \\\" b", "x\\n", "\\u00e9\\t", "# no comment", "é: , }", ""])
        if r < 0.7:
            return "'%s'" % self.r.choice(["false", "it''s", "# no", "a, b", ": ", ""])
        if r < 0.75 and self.anchors and self.chance(0.5):
            return "*" + self.r.choice(self.anchors)
        if r < 0.78 and self.chance(0.4):
            self.n += 1
            self.anchors.append("n%d" % self.n)
            return "&n%d %s" % (self.n, self.plain(flow))
        if r < 0.81 and self.odd:
            return self.r.choice(["!!str 1", "!!int 2", "!x 'y'", "!x y" if flow else "!!str"])
        if depth > 3 or r < 0.84:
            return self.r.choice(["{}", "[]", "{ }", ""])
        return self.flow(depth + 1)

    def flow(self, depth):
        compact = self.chance(0.2)
        sep, colon = (",", ":") if compact else (", ", ": ")
        if self.chance(0.6):
            items = []
            for _ in range(self.r.randint(1, 3)):
                v = self.inline(depth + 1, True)
                k = self.key(True)
                if compact:
                    k = '"k%d"' % self.n
                if v == "" and self.chance(0.3):
                    items.append(k)
                else:
                    items.append(k + colon + v if v else k + ":")
            text = "{" + sep.join(items) + "}"
            if self.chance(0.15):
                text = "{ " + text[1:-1] + " }"
            return text
        return "[" + sep.join(filter(None, (self.inline(depth + 1, True) for _ in range(self.r.randint(0, 3))))) + "]"

    def comment(self):
        self.n += 1
        return "# %s %d" % (self.r.choice(["note", "why", "TODO: this, or {that}", "it's 'so'", "é"]), self.n)

    def trail(self):
        if not self.chance(self.chatty):
            return ""
        return self.r.choice([" ", "  ", "   ", "\t" if self.odd else " "]) + self.comment()

    def block_scalar(self, col):
        kind = self.r.choice(["|", "|", "|-", ">", ">-"] + (["|+", ">+", "|%d" % self.step, "|%d-" % self.step] if self.odd else []))
        ind = " " * (col + self.step)
        lines = [ind + self.r.choice(["text", "more: text", "# no comment", "é", "{{ x }}"]) for _ in range(self.r.randint(1, 3))]
        if self.chance(0.2):
            lines.insert(self.r.randint(1, len(lines)), self.r.choice(["", ind + "  deeper", ind + "   " if self.odd else ""]))
        return kind + (self.trail() if self.chance(0.5) else ""), lines

    def lines(self, col, depth):
        """Lines of a block map at col."""
        out, pad = [], " " * col
        for i in range(self.r.randint(1, 4)):
            if self.chance(self.chatty):
                for _ in range(self.r.randint(1, 2)):
                    out.append(pad + self.comment())
                if self.chance(0.2):
                    out.append("")
            if self.chance(0.06):
                out.append("")
            if self.odd and self.chance(0.03):
                out.append(" " * self.r.choice([0, col + 2, col + 4]) + self.comment())
            key = self.key()
            if key.startswith("? "):
                out += [pad + key + self.trail(), pad + ": " + (self.inline(depth) or "v") + self.trail()]
                continue
            r = self.r.random()
            if r < 0.5 or depth > 4:
                v = self.inline(depth)
                sep = self.r.choice(["  ", "\t"]) if self.odd and self.chance(0.1) else " "
                out.append(pad + key + ":" + (sep + v if v else "") + self.trail())
            elif r < 0.58:
                head, body = self.block_scalar(col)
                out += [pad + key + ": " + head] + body
            elif r < 0.62 and self.odd:
                out += [pad + key + ": " + self.r.choice(['"two', "'two", "two"])]
                q = out[-1].split(": ")[-1][0]
                out.append(" " * (col + self.step) + "lines" + (q if q in "\"'" else "") + self.trail())
            elif r < 0.85:
                anchor = ""
                if self.chance(0.05):
                    self.n += 1
                    anchor = " &m%d" % self.n
                out.append(pad + key + ":" + anchor + self.trail())
                out += self.lines(col + self.step, depth + 1)
                if anchor:
                    self.anchors.append(anchor[2:])
            elif r < 0.93:
                out.append(pad + key + ":" + self.trail())
                out += self.items(col if self.flush else col + self.step, depth + 1)
            else:
                out += self.flow_lines(col, key)
        if self.chance(self.chatty / 3):
            out.append(pad + self.comment())
        return out

    def items(self, col, depth):
        out = []
        for _ in range(self.r.randint(1, 3)):
            if self.chance(self.chatty / 2):
                out.append(" " * col + self.comment())
            if self.chance(0.4):
                out.append(" " * col + "- " + (self.inline(depth) or "x") + self.trail())
            else:
                sub = self.lines(col + 2, depth + 1)
                k = next(i for i, line in enumerate(sub) if line.strip() and not line.strip().startswith("#"))
                if sub[k].startswith(" " * (col + 2)) and not k:
                    sub[k] = " " * col + "- " + sub[k][col + 2:]
                    out += sub
                else:
                    out += [" " * col + "- v"]
        return out

    def flow_lines(self, col, key):
        """A flow map over several lines."""
        ind = " " * (col + self.step)
        out = [" " * col + key + ": {" + (self.trail() if self.chance(0.3) else "")]
        n = self.r.randint(1, 3)
        for i in range(n):
            if self.chance(self.chatty / 2):
                out.append(ind + self.comment())
            comma = "," if i < n - 1 or self.chance(0.3) else ""
            out.append(ind + self.key(True) + ": " + (self.inline(4, True) or "v") + comma + self.trail())
        out.append(" " * col + "}" + self.trail())
        return out

    def json(self, depth=0, pretty=True, pad=""):
        if depth > 2 or self.chance(0.4 if depth else 0):
            return self.r.choice(['"x"', "1", "true", "null", '"a\\nb"', "{}", "[]", '"é"'])
        nl = "\n" + pad + " " * self.step if pretty else ""
        sep = nl or self.r.choice([" ", ""])
        items = ['"%s":%s%s' % (self.word(), " " if pretty or sep else "", self.json(depth + 1, pretty, pad + " " * self.step))
                 for _ in range(self.r.randint(1, 3))]
        return "{" + nl + ("," + (nl or sep)).join(items) + ("\n" + pad if pretty else "") + "}"

    def document(self):
        r = self.r.random()
        if r < 0.1:
            text = self.json(0, self.chance(0.6)) + "\n"
        else:
            head = self.r.choice(["", "", "", "---\n", "--- # start\n", "# head\n\n", "%YAML 1.2\n---\n"])
            text = head + "\n".join(self.lines(0, 0)) + "\n"
            if self.chance(0.1):
                text += self.r.choice(["\n", "# foot\n", "...\n", "\n\n# foot\n"])
        if self.chance(0.15):
            text = text.rstrip("\n")
        if self.chance(0.12):
            text = text.replace("\n", "\r\n")
        if self.chance(0.05):
            text = "\ufeff" + text
        return text


def corpus():
    root = shared.find()
    out = []
    for d, _, names in sorted(os.walk(os.path.join(root, "corpus"))) if root else []:
        for name in sorted(names):
            if name.endswith((".yaml", ".yml", ".json")):
                with open(os.path.join(d, name), "rb") as f:
                    data = f.read()
                if len(data) < 60000:
                    out += [x for x in proof.split(data) if len(x) < 6000]
    return out


# --- the same on plain data -----------------------------------------------------------------------------------


def data(node):
    if node.kind == "scalar":
        return ["scalar", node.tag, node.anchor, node.type, node.text]
    if node.kind == "alias":
        return ["alias", node.text]
    if node.kind == "seq":
        return ["seq", node.tag, node.anchor, [data(x) for x in node.items]]
    return ["map", node.tag, node.anchor, [[data(k), data(v)] for k, v in node.items]]


def text_of(key):
    return key[4] if key[0] == "scalar" else None


def paths(node, at=(), key=None):
    """(path, node) of everything below a root, the root too."""
    yield at, node
    if node.kind == "map":
        for i, (_, v) in enumerate(node.items):
            yield from paths(v, at + (i,))
    elif node.kind == "seq":
        for i, v in enumerate(node.items):
            yield from paths(v, at + (i,))


def show(path):
    return "/".join("#%d" % i for i in path) or "."


def quote(word):
    return "".join(c if re.match(r"[A-Za-z0-9._-]", c) else "".join("%%%02x" % b for b in c.encode()) for c in word)


class Model:
    """Operations on data. Removal only marks; maps that lose everything are judged at the end."""

    GONE = ["gone"]

    def __init__(self, root):
        self.root = root
        self.nodes, self.items = {}, {}  # as they are before any operation
        self.walk(root, ())

    def walk(self, node, path):
        self.nodes[path] = node
        for i, item in enumerate(node[3] if node[0] in ("map", "seq") else []):
            self.items[path + (i,)] = item
            self.walk(item[1] if node[0] == "map" else item, path + (i,))

    def at(self, path):
        return self.nodes[path]

    def item(self, path):
        return self.items[path]

    def leave(self, path):
        self.items[path].append(self.GONE)

    def arrive(self, path, made, entry):
        base = self.at(path)
        if base[0] != "map":
            base[:] = ["map", None, None, []]
        for k in made:
            there = [i for i in base[3] if len(i) > 2 and i[2] in ("made", "front?") and i[0][4] == k]
            if there:
                base = there[0][1]
                continue
            new = ["map", None, None, []]
            item = [["scalar", None, None, "str", k], new]
            item.append("front?" if k == "metadata" else "made")
            base[3].append(item)
            base = new
        base[3].append(entry)


def finish(node):
    if node[0] == "seq":
        return node[:3] + [[finish(x) for x in node[3]]]
    if node[0] != "map":
        return node
    items = []
    for item in node[3]:
        if Model.GONE in item[2:]:
            continue
        value = finish(item[1])
        new = [item[0], value]
        if item[1][0] == "map" and item[1][3] and value[0] == "map" and not value[3]:
            new = [item[0], "EMPTIED"]
        items.append((new, "front?" in item[2:]))
    return ["map", node[1], node[2], [[k[0], k[1]] + (["front?"] if f else []) for k, f in items]]


def same(want, have):
    """Does `have` say what `want` wants, with the freedom that the core has?"""
    if want == "EMPTIED":
        return have == NONE or have == ["map", None, None, []] or (have[0] == "map" and not have[3])
    if want[0] != have[0]:
        return False
    if want[0] in ("scalar", "alias"):
        if want[0] == "scalar" and want[3] == "str?":
            return have[3] == "str" and want[4] == have[4]
        return want == have
    if want[1:3] != have[1:3]:
        return False
    if want[0] == "seq":
        return len(want[3]) == len(have[3]) and all(same(a, b) for a, b in zip(want[3], have[3]))
    w, h = list(want[3]), list(have[3])
    front = [x for x in w if len(x) > 2]
    if front and h and h[0][0] == front[0][0]:
        w = front[:1] + [x for x in w if x is not front[0]]
    # An emptied map may have gone with its key.
    def match(i, j):
        if i == len(w):
            return j == len(h)
        if j < len(h) and same(w[i][0], h[j][0]) and same(w[i][1], h[j][1]) and match(i + 1, j + 1):
            return True
        return w[i][1] == "EMPTIED" and match(i + 1, j)
    return match(0, 0)


class Skip(Exception):
    pass


def random_op(rng, root, model):
    """One operation as text; applied to the model. Also its verb, for the statistics."""
    all_paths = list(paths(root))
    entries = [(p, n) for p, n in all_paths if p and parent_kind(root, p) == "map"]
    maps = [(p, n) for p, n in all_paths if n.kind == "map" or (n.kind == "scalar" and n.style == "" and n.type == "null" and p)]
    if not entries:
        raise Skip
    verb = rng.choice(["move", "move", "move", "remove", "insert", "insert", "set", "rename", "wrap", "yaml", "enlist"])
    path, node = rng.choice(entries)
    if rng.random() < 0.2:
        small = [(p, n) for p, n in entries if len(parent(root, p).items) == 1 and len(p) > 1]
        if small:
            path, node = rng.choice(small)
    word = rng.choice(["new", "x.io/new", "it's", "é", "yes", "1.10", "a: b", "#", "", "two\nlines", "two\nlines\n", "a, b", "http://h:1/x", "-1", "{}", "metadata"])
    if verb == "set":
        scalars = [(p, n) for p, n in all_paths if n.kind == "scalar" and p]
        path, node = rng.choice(scalars or [(path, node)])
        old = model.at(path)
        if old[0] == "scalar":
            old[:] = ["scalar", None, old[2], "str", word]
        return "set %s %s" % (show(path), quote(word))
    if verb == "rename":
        word = word or "w"
        item = model.item(path)
        item[0] = ["scalar", None, None, "str?", word]
        return "rename %s %s" % (show(path), quote(word))
    if verb == "wrap" and rng.random() < 0.2:
        items = [(p, n) for p, n in all_paths if p and parent_kind(root, p) == "seq"]
        path, node = rng.choice(items or [(path, node)])
    if verb == "wrap":
        word = word or "w"
        item = model.item(path)
        if parent_kind(root, path) == "seq":
            item[:] = ["map", None, None, [[["scalar", None, None, "str", word], list(item)]]]
        else:
            item[1] = ["map", None, None, [[["scalar", None, None, "str", word], item[1]]]]
        return "wrap %s %s" % (show(path), quote(word))
    if verb == "enlist":
        item = model.item(path)
        item[1] = ["seq", None, None, [item[1]]]
        return "enlist %s" % show(path)
    if verb == "remove":
        model.leave(path)
        return "remove %s" % show(path)
    target, base = rng.choice(maps)
    made = []
    if rng.random() < 0.35:
        made = rng.sample(["metadata", "annotations", "labels"], rng.randint(1, 2))
    while made and base.kind == "map":
        below = [i for i, (k, _) in enumerate(base.items) if k.kind == "scalar" and k.text == made[0]]
        if not below:
            break
        target, made = target + (below[0],), made[1:]
        base = base.items[below[0]][1]
    place = show(target) + "".join("/" + m for m in made)
    if place.startswith("./"):
        place = place[2:]
    if verb == "yaml":
        value = rng.choice(["[a, b]", "{k: v}", "1", "k: v\n", "- a\n- b: 1\n", "k:\n  l: |\n    t\n"])
        model.arrive(target, made, [["scalar", None, None, "str", word or "w"], data(tree.parse(value)[0])])
        return "yaml %s %s %s" % (place, quote(word or "w"), quote(value))
    if verb == "insert":
        model.arrive(target, made, [["scalar", None, None, "str", word or "w"], ["scalar", None, None, "str", word]])
        return "insert %s %s %s" % (place, quote(word or "w"), quote(word))
    item = model.item(path)
    if target[:len(path)] == path:
        model.leave(path)
        return "move %s %s" % (show(path), place)  # into itself: must be refused
    copy = [item[0], item[1]]
    model.leave(path)
    model.arrive(target, made, copy)
    return "move %s %s" % (show(path), place)


def parent(root, path):
    node = root
    for i in path[:-1]:
        node = node.items[i][1] if node.kind == "map" else node.items[i]
    return node


def parent_kind(root, path):
    return parent(root, path).kind


def pretty(node, pad=""):
    """Lines of a tree, for the report."""
    if not isinstance(node, list) or not node or node[0] in ("scalar", "alias"):
        return [pad + repr(node)]
    out = [pad + repr(node[:3])]
    for item in node[3]:
        for part in item[:2] if node[0] == "map" else [item]:
            out += pretty(part, pad + "  ")
    return out


def census(text):
    return collections.Counter(c.text.rstrip() for c in lexer.comments(text.lstrip("\ufeff")))


class Bad(Exception):
    pass


def check(text, ops, verbs, after, model):
    new = tree.parse(after[after.startswith("\ufeff"):])
    if len(new) != 1 or not same(finish(model.root), data(new[0])):
        raise Bad("the data is not as it should be\n" + "\n".join(
            l for l in difflib.unified_diff(pretty(finish(model.root)), pretty(data(new[0]) if new else []), "want", "have", lineterm="", n=1)))
    old_c, new_c = census(text), census(after)
    if new_c - old_c:
        raise Bad("comments from nowhere: %r" % dict(new_c - old_c))
    if "remove" not in verbs and old_c - new_c:
        raise Bad("comments lost: %r" % dict(old_c - new_c))
    if text.startswith("\ufeff") != after.startswith("\ufeff"):
        raise Bad("byte order mark")
    if (text[-1:] in "\r\n") != (after[-1:] in "\r\n"):
        raise Bad("final newline")
    if "\r\n" in text and re.search(r"[^\r]\n", after):
        raise Bad("line ends")
    lost = collections.Counter(map(str.strip, text.splitlines())) - collections.Counter(map(str.strip, after.splitlines()))
    if sum(lost.values()) > 15 and not verbs & {"remove", "set"}:
        raise Bad("too many lines changed: %d" % sum(lost.values()))


def one(core, rng, text, n_ops, stats):
    try:
        root = tree.parse(text[text.startswith("\ufeff"):])
    except tree.Unreadable:
        stats["unreadable"] += 1
        return
    if len(root) != 1:
        return
    model = Model(data(root[0]))
    try:
        ops = [random_op(rng, root[0], model) for _ in range(n_ops)]
    except Skip:
        return
    ops = "\n".join(ops)
    st, out = core.run(text.encode(), ops)
    verbs = {o.split(" ")[0] for o in ops.split("\n")}
    what = None
    if st == OK:
        stats["ok"] += 1
        try:
            check(text, ops, verbs, out.decode(), model)
        except (Bad, tree.Unreadable, UnicodeDecodeError) as e:
            what = str(e)
    elif st == REFUSED:
        stats["refused"] += 1
        stats["refused: " + re.sub(rb"'.*?'", b"'...'", out).decode()] += 1
    elif st == EINVAL and out.startswith(b"load:"):
        stats["not loaded"] += 1
        stats["not loaded: " + out.decode()[:90]] += 1
    elif st == LIMIT or (st == EIO and out.startswith(b"no ")):
        stats["passed over"] += 1
    else:
        what = "status %d: %s" % (st, out.decode("utf-8", "replace"))
    if what:
        stats["FAILED"] += 1
        if stats["FAILED"] <= int(os.environ.get("SHOW", "5")):
            print("=== FAIL %s\n--- ops\n%s\n--- before\n%s\n--- after\n%s" % (what, ops, text, out.decode("utf-8", "replace") if st == OK else "-"))


# --- documents in scalars -------------------------------------------------------------------------------------


def host(rng, inner):
    """A document whose annotations/config holds the text `inner`, and nothing else that matters."""
    style = rng.choice(["|", "|", "|", "|-", "|2", ">", '"', '"', "'", "plain"])
    body = inner.rstrip("\n")
    pad = "    "
    if style[0] == "|":
        if style == "|2":
            pad = "    "
        elif rng.random() < 0.3:
            pad = " " * rng.choice([3, 6])
        value = style + rng.choice(["", "", " # about it"]) + "\n" + "\n".join(pad + x if x else "" for x in body.split("\n"))
    elif style == '"':
        value = '"' + "".join("\\n" if c == "\n" else "\\" + c if c in '"\\' else c for c in inner) + '"'
    elif "\n" in body or "\t" in body:
        return None
    elif style == "'":
        value = "'" + body.replace("'", "''") + "'"
    elif style == ">":
        value = ">" + rng.choice(["", "-"]) + "\n" + pad + body
    else:
        if not body.startswith("{"):
            return None
        return None
    text = "metadata:\n  config: %s\n" % value
    if rng.random() < 0.7:
        text += rng.choice(["  name: x\n", "spec: 1\n", "  # foot\nspec: 1\n", "\n  other: |\n    text\n"])
    if rng.random() < 0.1:
        text = text.replace("\n", "\r\n")
    if rng.random() < 0.1:
        text = text.rstrip("\r\n")
    return text


def one_embedded(core, rng, stats):
    gen = Gen(rng)
    inner = gen.json(0, False) + "\n" if rng.random() < 0.2 else "\n".join(gen.lines(0, 2)) + "\n"
    if rng.random() < 0.2:
        inner = gen.flow(2) + "\n"
    text = host(rng, inner)
    if text is None:
        return
    try:
        outer = tree.parse(text)[0]
        inner = outer.items[0][1].items[0][1].text
        root = tree.parse(inner)[0]
    except (tree.Unreadable, IndexError, AttributeError):
        stats["unreadable"] += 1
        return
    if root.kind != "map":
        return
    model = Model(data(root))
    try:
        op = random_op(rng, root, model)
    except Skip:
        return
    words = op.split(" ")
    words[1] = "#0/#0/|" + ("" if words[1] == "." else "/" + words[1])
    if words[0] == "move":
        words[2] = "#0/#0/|" + ("" if words[2] == "." else "/" + words[2])
    op = " ".join(words)
    st, out = core.run(text.encode(), op)
    what = None
    if st == OK:
        stats["embedded: ok"] += 1
        try:
            after = tree.parse(out.decode())[0]
            if not finish(model.root)[3]:  # an entry whose text says nothing any more
                left = [k.text for k, _ in outer.items[0][1].items[1:]]
                first = after.items[0][1] if after.items and after.items[0][0].text == "metadata" else None
                if left != [k.text for k, _ in (first.items or [] if first else [])]:
                    raise Bad("the entry should be gone")
                return
            changed = after.items[0][1].items[0][1]
            if not same(finish(model.root), data(tree.parse(changed.text)[0])):
                raise Bad("the embedded data is not as it should be\n" + "\n".join(
                    difflib.unified_diff(pretty(finish(model.root)), pretty(data(tree.parse(changed.text)[0])), "want", "have", lineterm="", n=1)))
            if not op.startswith("remove") and census(inner) != census(changed.text):
                raise Bad("comments")
            changed.text = outer.items[0][1].items[0][1].text
            if data(after) != data(outer):
                raise Bad("something else changed")
            if "\r\n" in text and re.search(r"[^\r]\n", out.decode()):
                raise Bad("line ends")
        except (Bad, tree.Unreadable, UnicodeDecodeError, IndexError, TypeError) as e:
            what = str(e) or repr(e)
    elif st == REFUSED:
        stats["embedded: refused: " + re.sub(rb"'.*?'", b"'...'", out).decode()] += 1
    elif st == EIO or st == LIMIT or out.startswith(b"load:"):
        stats["embedded: not loaded"] += 1
    else:
        what = "status %d: %s" % (st, out.decode("utf-8", "replace"))
    if what:
        stats["FAILED"] += 1
        if stats["FAILED"] <= int(os.environ.get("SHOW", "5")):
            print("=== FAIL %s\n--- op\n%s\n--- before\n%s\n--- after\n%s" % (what, op, text, out.decode("utf-8", "replace") if st == OK else "-"))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng = random.Random(seed)
    core = Core()
    real = corpus()
    stats = collections.Counter()
    for i in range(count):
        if real and rng.random() < 0.3:
            try:
                text = rng.choice(real).decode()
            except UnicodeDecodeError:
                continue
        else:
            text = Gen(rng).document()
        one(core, rng, text, rng.choice([1, 1, 1, 1, 2, 3]), stats)
        if i % 4 == 0:
            one_embedded(core, rng, stats)
    for k, v in sorted(stats.items(), key=lambda x: -x[1]):
        if ":" not in k or os.environ.get("SHOW"):
            print("%7d %s" % (v, k))
    sys.exit(1 if stats["FAILED"] or stats["ok"] < count / 8 else 0)


if __name__ == "__main__":
    main()
