"""Where are the comments of a YAML text? A line-based lexer, written for the oracle only.

It knows quotes, plain scalars over several lines, block scalars, flow collections and markers, and
nothing else of YAML. It uses no parser, so it can disagree with one; selftest.py compares it with the
gaps between PyYAML's tokens.
"""
import re

BREAK = re.compile(r"\r\n|\n|\r")
HEADER = re.compile(r"[|>](?:([1-9])[-+]?|[-+]([1-9])?)?[ \t]*(?:[ \t](#.*))?$")


class Comment:
    """One `# ...` up to the line end.

    line, col  0-based; col counts characters
    own        nothing but blanks before it on its line
    key        text of the key it belongs to (own: the entry directly below at the same column, over other
               comment lines; trailing: the first key of its line), None if it belongs to no entry
    """

    __slots__ = ("text", "line", "col", "own", "key")

    def __init__(self, text, line, col, own):
        self.text, self.line, self.col, self.own, self.key = text.rstrip(), line, col, own, None

    def __repr__(self):
        return "%d:%d %s" % (self.line + 1, self.col + 1, self.text)


class _Lexer:
    def __init__(self, text):
        self.lines = BREAK.split(text)
        self.out = []
        self.keys = {}  # line -> (column of its first key or dash, key text)
        self.flow = 0
        self.quote = None
        self.block = None  # [parent column, content column or None]
        self.parent = -1  # column of the innermost block entry seen last
        self.plain = False  # a plain scalar may go on in the next line
        self.content = set()  # lines inside a block scalar

    def comment(self, n, i, own):
        self.out.append(Comment(self.lines[n][i:], n, i, own))

    def run(self):
        for n, line in enumerate(self.lines):
            self.one(n, line)
        self.own()
        return self.out

    def one(self, n, line):
        if self.block is not None:
            if not line.strip(" \t"):
                self.content.add(n)
                return
            ind = len(line) - len(line.lstrip(" "))
            parent, need = self.block
            if need is None and ind > parent:
                need = self.block[1] = ind
            if need is not None and ind >= need and not (ind == 0 and re.match(r"(---|\.\.\.)([ \t]|$)", line)):
                self.content.add(n)
                return
            self.block = None
        i = 0
        if self.quote:
            i = self.quoted(line, 0)
            if self.quote:
                return
        else:
            while i < len(line) and line[i] in " \t\ufeff":
                i += 1
            if i == len(line):
                return
            if line[i] == "#":
                self.comment(n, i, True)
                self.plain = False
                return
            if self.flow == 0 and re.match(r"(---|\.\.\.)([ \t]|$)", line):
                self.plain, self.parent, i = False, -1, 3
            elif i == 0 and line[0] == "%" and self.flow == 0 and not self.plain:
                m = re.search(r"[ \t]#", line)
                if m:
                    self.comment(n, m.start() + 1, False)
                return
            elif self.plain and (self.flow or i > self.parent):
                i = self.plain_run(n, line, i)
        self.tokens(n, line, i)

    def quoted(self, line, i):
        """From inside a quoted scalar to behind its closing quote."""
        while i < len(line):
            if self.quote == '"' and line[i] == "\\":
                i += 2
            elif line[i] == self.quote:
                if self.quote == "'" and line[i + 1:i + 2] == "'":
                    i += 2
                    continue
                self.quote = None
                return i + 1
            else:
                i += 1
        return i

    def key(self, n, col, text):
        if self.flow == 0:
            self.parent = col
        self.keys.setdefault(n, [None, None])
        if self.keys[n][0] is None:
            self.keys[n][0] = col
        if self.keys[n][1] is None:
            self.keys[n][1] = text

    def plain_run(self, n, line, i):
        """A plain scalar from i; returns where it ends: at a comment, a colon, a flow indicator or the end."""
        j = i
        while j < len(line):
            c = line[j]
            nxt = line[j + 1:j + 2]
            if c == "#" and j > 0 and line[j - 1] in " \t":
                break
            if c == ":" and (nxt in ("", " ", "\t") or (self.flow and nxt in ",[]{}")):
                self.plain = False
                self.key(n, i, line[i:j].strip())
                return j + 1
            if self.flow and c in ",[]{}":
                self.plain = False
                return j
            j += 1
        self.plain = j == len(line)
        return j

    def tokens(self, n, line, i):
        start = None  # column of the node that may become a key
        text = None
        while i < len(line):
            c = line[i]
            nxt = line[i + 1:i + 2]
            if c in " \t":
                i += 1
            elif c == "#" and (i == 0 or line[i - 1] in " \t"):
                self.comment(n, i, not line[:i].strip(" \t\ufeff"))
                self.plain = False
                return
            elif self.flow == 0 and c in "-?" and nxt in ("", " ", "\t"):
                self.keys.setdefault(n, [i, None])
                self.parent = i
                i += 1
            elif c == ":" and (nxt in ("", " ", "\t") or self.flow):
                if start is not None:
                    self.key(n, start, text)
                start = text = None
                i += 1
            elif c in "'\"":
                self.plain = False
                self.quote = c
                start = i if start is None else start
                i = self.quoted(line, i + 1)
                text = line[start:i]
                if self.quote:
                    return
            elif c in "[{":
                self.plain = False
                self.flow += 1
                start = text = None
                i += 1
            elif c in "]}" and self.flow:
                self.flow -= 1
                i += 1
            elif c == "," and self.flow:
                i += 1
            elif c in "&*!":
                start = i if start is None else start
                j = i
                while j < len(line) and line[j] not in " \t" and not (self.flow and c != "!" and line[j] in ",[]{}"):
                    j += 1
                if c == "*":
                    text = line[i:j]
                i = j
            elif self.flow == 0 and c in "|>" and HEADER.match(line[i:]):
                m = HEADER.match(line[i:])
                digit = m.group(1) or m.group(2)
                self.block = [self.parent, max(self.parent, 0) + int(digit) if digit else None]
                if m.group(3):
                    self.comment(n, i + m.start(3), False)
                self.plain = False
                return
            else:
                i = self.plain_run(n, line, i)
                start = text = None

    def own(self):
        by_line = {c.line: c for c in self.out}
        for c in self.out:
            if not c.own:
                c.key = self.keys.get(c.line, (None, None))[1]
                continue
            n = c.line + 1
            while n in by_line and by_line[n].own and by_line[n].col == c.col:
                n += 1
            if n in self.keys and self.keys[n][0] == c.col:
                c.key = self.keys[n][1]


def comments(text):
    """All comments of a text (str), in order."""
    return _Lexer(text).run()
