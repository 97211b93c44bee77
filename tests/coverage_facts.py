"""The keys of transforms/facts/*.def and the rules of transforms/catalogue.def, as Python reads them."""
import os
import re
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FACTS = os.path.join(ROOT, "transforms", "facts")


class Key(NamedTuple):
    sort: str          # annotation or label
    name: str
    kinds: tuple = ()  # empty: removed from the catalogue
    type: str = ""
    flags: frozenset = frozenset()
    values: tuple = ()
    successor: tuple = ()  # ("LABEL", "istio.io/rev")
    last_seen: str = ""    # of a removed key

    @property
    def removed(self):
        return not self.kinds

    @property
    def system(self):
        return "SYSTEM" in self.flags


def rows(name, macro):
    """The arguments of each MACRO(...), comments aside. Strings lose their quotes, a nested macro is a tuple."""
    with open(os.path.join(FACTS, name), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    lines = [line for line in text.splitlines() if line.strip()]
    for line in lines:
        if not (line.startswith(macro + "(") and line.endswith(")")):
            raise SystemExit(f"{name}: not understood: {line}")
        yield [cell(c) for c in re.findall(r'\s*("[^"]*"|\w+\("[^"]*"\)|[^,"()]+)', line[len(macro) + 1:-1]) if c.strip()]


def cell(text):
    text = text.strip()
    nested = re.fullmatch(r'(\w+)\("([^"]*)"\)', text)
    if nested:
        return nested.groups()
    return text[1:-1] if text.startswith('"') else text


def split(text):
    return tuple(text.split(",")) if text not in ("NULL", "") else ()


def catalogue():
    """Every key, in the order of the files."""
    out = []
    for name, sort in (("annotations.def", "annotation"), ("labels.def", "label")):
        for key, kinds, _, value_type, _, flags, values, successor in rows(name, "KEY"):
            out.append(Key(sort, key, split(kinds), value_type,
                           frozenset(f.strip() for f in flags.split("|")) - {"0"}, split(values),
                           successor if isinstance(successor, tuple) else ()))
    for key, sort, last_seen, successor in rows("removed.def", "REMOVED"):
        out.append(Key(sort, key, successor=successor if isinstance(successor, tuple) else (), last_seen=last_seen))
    return out


def rules():
    """The ids of the rules in run order."""
    with open(os.path.join(ROOT, "transforms", "catalogue.def"), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return [(code or name).replace("_", "-")
            for code, name in re.findall(r'^(?:CODE\((\w+)\)|YAML\("([\w-]+)"\))', text, re.M)]
