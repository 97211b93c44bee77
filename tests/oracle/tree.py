"""A small node tree from PyYAML events, with exact spans and YAML 1.1 types.

Events, not yaml.compose: composing forgets anchors and turns aliases into the node they name.
Spans are half-open character offsets into the text. The text has no byte order mark.
"""
import bisect
import re

import yaml

LOADER = getattr(yaml, "CLoader", yaml.Loader)
BREAK = re.compile(r"\r\n|\n|\r")

# Every plain text that some YAML reader in use (go-yaml v2 and v3, libyaml/PyYAML, YAML 1.2 core) does not
# take for a string. Order matters.
TYPES = [
    ("null", re.compile(r"(?:|~|null|Null|NULL)$")),
    ("bool", re.compile(r"(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$")),
    ("int", re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+)$")),
    ("float", re.compile(r"[-+]?(?:(?:[0-9][0-9_]*)?\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+"
                         r"|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$")),
    ("timestamp", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt]|[ \t]+[0-9])")),
    ("merge", re.compile(r"<<$")),
    ("value", re.compile(r"=$")),
]


def plain_type(text):
    if text in (".", "-.", "+."):
        return "str"
    for name, pattern in TYPES:
        if pattern.match(text):
            return name
    return "str"


class Node:
    """kind is map, seq, scalar or alias. items: [(key, value)] of a map, [value] of a seq."""

    __slots__ = ("kind", "tag", "anchor", "style", "text", "items", "start", "end", "_canon")

    def __init__(self, kind, start, end, tag=None, anchor=None, style=None, text=None, items=None):
        self.kind, self.start, self.end = kind, start, end
        self.tag, self.anchor, self.style, self.text, self.items = tag, anchor, style, text, items
        self._canon = None

    @property
    def flow(self):
        return self.kind in ("map", "seq") and self.style == "flow"

    @property
    def type(self):
        """What a YAML 1.1 reader makes of it."""
        if self.kind != "scalar":
            return self.kind
        if self.tag:
            return self.tag
        return plain_type(self.text) if self.style == "" else "str"

    def canon(self):
        """Equal for two nodes that are the same data: types, texts, anchors, aliases and order."""
        if self._canon is None:
            if self.kind == "map":
                body = tuple((k.canon(), v.canon()) for k, v in self.items)
            elif self.kind == "seq":
                body = tuple(v.canon() for v in self.items)
            elif self.type == "null" and self.text in ("", "~", "null", "Null", "NULL"):
                body = None  # one null is like another
            else:
                body = self.text
            self._canon = (self.type, self.anchor, body)
        return self._canon

    def show(self):
        if self.kind == "map":
            return "{%d entries}" % len(self.items)
        if self.kind == "seq":
            return "[%d items]" % len(self.items)
        if self.kind == "alias":
            return "*" + self.text
        return "%s %r" % (self.type, self.text)


class Unreadable(Exception):
    pass


def parse(text):
    """The root nodes of a text. Raises Unreadable."""
    roots, stack = [], []

    def put(node):
        if not stack:
            roots.append(node)
            return
        top = stack[-1][0]
        if top.kind == "seq":
            top.items.append(node)
        elif stack[-1][1] is None:
            stack[-1][1] = node
        else:
            top.items.append((stack[-1][1], node))
            stack[-1][1] = None

    try:
        for e in yaml.parse(text, Loader=LOADER):
            if isinstance(e, yaml.ScalarEvent):
                style = e.style or ""
                tag = e.tag if e.tag and not (style == "" and e.implicit[0]) and not (style and e.implicit[1]) else None
                end = e.end_mark.index
                if style in ("|", ">"):
                    end = block_end(text, e.start_mark.index, end)
                put(Node("scalar", e.start_mark.index, end, tag, e.anchor, style, e.value))
            elif isinstance(e, yaml.AliasEvent):
                put(Node("alias", e.start_mark.index, e.end_mark.index, text=e.anchor))
            elif isinstance(e, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                node = Node("map" if isinstance(e, yaml.MappingStartEvent) else "seq", e.start_mark.index,
                            e.end_mark.index, e.tag if e.tag and not e.implicit else None, e.anchor,
                            "flow" if e.flow_style else "block", items=[])
                put(node)
                stack.append([node, None])
            elif isinstance(e, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                node = stack.pop()[0]
                if node.flow:
                    node.end = e.end_mark.index
                elif node.items:
                    last = node.items[-1]
                    node.end = (last[1] if node.kind == "map" else last).end
    except (yaml.YAMLError, RecursionError, ValueError) as e:
        raise Unreadable(str(e).replace("\n", " "))
    return roots


def block_end(text, start, end):
    """A block scalar's mark runs over blank lines and, sometimes, comments: back to its last line with text."""
    body = text[start:end]
    lines = body.splitlines(True)
    if "+" in lines[0].split("#")[0]:
        return end
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    return start + len("".join(lines).rstrip("\r\n"))


class Lines:
    """Offset to line number, for the breaks that editors know (libyaml's own count has three more)."""

    def __init__(self, text):
        self.starts = [0] + [m.end() for m in BREAK.finditer(text)]

    def of(self, at):
        return bisect.bisect_right(self.starts, at) - 1

    def span(self, start, end):
        """Line numbers that the half-open span touches; an empty span touches its own line."""
        return range(self.of(start), self.of(max(start, end - 1)) + 1)
