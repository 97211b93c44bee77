"""Manifests as people write them: one object, many spellings.

    Writer(rng).file([object, ...]) -> bytes

Each writer has habits (indentation, quotes, flow collections, line ends, markers) and keeps them in one file, like a
person; comments are numbered, so that a lost one can be named.
"""
import re

PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*\Z")
NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


class Writer:
    numbers = 0

    def __init__(self, rng):
        self.rng = rng
        self.step = rng.choice([2, 2, 2, 4])
        self.dash = rng.choice([0, self.step])  # of a sequence below its key
        self.quote = rng.choice(["", "", '"', "'"])
        self.flow = rng.choice([0, 0.1, 0.3])
        self.chance = rng.choice([0, 0.02, 0.06])
        self.eol = rng.choice(["\n", "\n", "\n", "\n", "\r\n"])
        self.leading = rng.random() < 0.3
        self.blank = rng.random() < 0.2
        self.final = rng.random() < 0.9

    def comment(self):
        Writer.numbers += 1
        return "# %s %d" % (self.rng.choice(["keep in sync, see SEC-", "note", "TODO: ask team", "since release",
                                             "don't touch: \"quoted\""]), Writer.numbers)

    def scalar(self, value):
        if value is True or value is False:
            return "true" if value else "false"
        if value is None:
            return "null"
        if not isinstance(value, str):
            return str(value)
        quote = self.quote if self.rng.random() < 0.5 else ""
        if not quote and (not PLAIN.match(value) or value.lower() in NOT_TEXT):
            quote = self.rng.choice("'\"")
        return quote + value + quote

    def flowing(self, value):
        if isinstance(value, dict):
            inside = ", ".join("%s: %s" % (self.scalar(k), self.flowing(v)) for k, v in value.items())
            return "{%s}" % inside
        if isinstance(value, list):
            return "[%s]" % ", ".join(self.flowing(v) for v in value)
        return self.scalar(value)

    def fits(self, value):
        """May a collection stand in one line?"""
        if not value:
            return True
        size = len(repr(value))
        return size < 80 and self.rng.random() < (0.5 if isinstance(value, list) and self.flow else self.flow)

    def lines(self, value, indent):
        """Lines of a collection in block style, at an indentation."""
        out = []
        pad = " " * indent
        entries = value.items() if isinstance(value, dict) else [(None, v) for v in value]
        for key, v in entries:
            if self.rng.random() < self.chance:
                out.append(pad + self.comment())
            head = "-" if key is None else self.scalar(key) + ":"
            if isinstance(v, (dict, list)) and not self.fits(v):
                inner = self.step if key is not None and isinstance(v, dict) else 2 if key is None else self.dash
                below = self.lines(v, indent + inner)
                if key is None and not below[0].lstrip().startswith("#"):
                    out.append(pad + "- " + below[0][indent + 2:])
                    out += below[1:]
                    continue
                out.append(pad + head + self.trailing())
                out += below
            else:
                out.append("%s%s %s%s" % (pad, head, self.flowing(v), self.trailing()))
        return out

    def trailing(self):
        return self.rng.choice([" ", "  ", "   "]) + self.comment() if self.rng.random() < self.chance else ""

    def file(self, objects):
        out = []
        if self.rng.random() < 0.3:
            out += [self.comment(), ""]
        for i, o in enumerate(objects):
            if i or self.leading:
                out.append("---" + self.trailing())
            if self.rng.random() < self.chance * 4:
                out.append(self.comment())
            out += self.lines(o, 0)
            if self.blank:
                out.append("")
        text = self.eol.join(out)
        return (text + self.eol if self.final else text).encode()
