#!/usr/bin/env python3
"""Templates: fixed where nothing depends on the template, refused elsewhere, never damaged.

    test_template.py            what is in testdata/template, and the templates of the shared corpus
    test_template.py --table    print the table of the corpus: what is fixed, what is refused, and why

A folder of testdata/template is a case:

    before.yaml   the template; placed as chart/templates/x.yaml beside a Chart.yaml
    path          where else to place it; then there is no chart
    after.yaml    what `istio-fix -i` makes of it; none: it stays as it is
    report.txt    standard output of a run that only reports

Each template that is changed is rendered before and after, with values made up (tests/render): what is rendered
may differ only in the keys that the findings name. Go's templates are rendered by Go itself, with Sprig; those of
Jinja and Terraform by Small below, which knows what the corpus has. UPDATE_GOLDEN=1 writes after.yaml and report.txt.

Environment: ISTIO_FIX, ISTIO_FIX_SHARED. Without Go and Sprig (Debian: golang-go,
golang-github-masterminds-sprig-dev) nothing of Go is rendered, and a line says so.
"""
import csv
import json
import os
import random
import re
import shutil
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared

shared.need_yaml()
import yaml
from test_cli import Case

DATA = os.path.join(shared.ROOT, "testdata", "template")
SOURCE = os.path.join(shared.ROOT, "tests", "render")
GOCODE = "/usr/share/gocode"
SEEDS = 16
UPDATE = os.environ.get("UPDATE_GOLDEN", "0") != "0"


# ---- rendering ----

def go_renderer():
    """tests/render as a program, built once into build/tools; None, and a line that says why."""
    go = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/lib/go/bin:/usr/local/go/bin")
    program = os.path.join(shared.ROOT, "build", "tools", "render")
    source = os.path.join(SOURCE, "render.go")
    if os.path.exists(program) and os.path.getmtime(program) > os.path.getmtime(source):
        return program
    if not go or not os.path.isdir(GOCODE + "/src/github.com/Masterminds/sprig"):
        print("skip: no Go or no Sprig here (Debian: golang-go, golang-github-masterminds-sprig-dev);"
              " Go templates are not rendered")
        return None
    os.makedirs(os.path.dirname(program), exist_ok=True)
    env = dict(os.environ, GO111MODULE="off", GOPATH=GOCODE, GOFLAGS="", GOTOOLCHAIN="local",
               GOCACHE=os.path.join(os.path.dirname(program), "go-cache"))
    subprocess.run([go, "build", "-o", program, "."], cwd=SOURCE, env=env, check=True)
    return program


def bodies(text):
    """What named templates of the chart print: an entry where they are indented, else a word."""
    out = {"": "included"}
    for name, rest in re.findall(r'(?:include|template)\s+"([^"]+)"((?:[^}]|\}(?!\}))*)\}\}', text):
        if "indent" in rest:
            out[name] = "inc: luded" if "nindent" in rest else "\ninc: luded"
    return out


def render_go(program, texts):
    """[[text or None for each seed] for each of texts]; None: these values do not fit."""
    requests = [{"text": t, "seed": s, "templates": bodies(t)} for t in texts for s in range(SEEDS)]
    r = subprocess.run([program], input=json.dumps(requests).encode(), stdout=subprocess.PIPE, timeout=120, check=True)
    answers = [None if a.get("error") else a["text"] for a in json.loads(r.stdout)]
    return [answers[i:i + SEEDS] for i in range(0, len(answers), SEEDS)]


class Small:
    """A small renderer of our own, not Jinja's nor Terraform's: if, else, endif; names print themselves."""
    STATEMENT = re.compile(r"[ \t]*(?:\{%-?|%\{)\s*(\w+)(.*?)(?:-?%\}|~?\})[ \t]*\n?")
    VALUE = re.compile(r"\{\{(.*?)\}\}|\$\{(.*?)\}")

    @classmethod
    def render(cls, text, seed):
        out, at, on = [], 0, [True]
        for m in list(cls.STATEMENT.finditer(text)) + [None]:
            if all(on):
                out.append(text[at:m.start() if m else len(text)])
            if not m:
                break
            at, word = m.end(), m.group(1)
            if word in ("if", "for"):
                on.append(seed == 0 or seed > 1 and zlib.crc32(b"%d %s" % (seed, m.group(2).encode())) % 2 == 0)
            elif word == "else":
                on[-1] = not on[-1]
            elif word.startswith("end"):
                on.pop()
        return cls.VALUE.sub(lambda m: "v" + re.sub(r"\W+", "", m.group(1) or m.group(2)), "".join(out))


def is_go(text):
    return "{{" in text and "{%" not in text and "%{" not in text


# ---- comparing ----

def leaves(node, path=()):
    """{(keys..., value)} of a document; items of a list have no number."""
    if isinstance(node, dict) and node:
        return [x for k, v in node.items() for x in leaves(v, path + (str(k),))]
    if isinstance(node, list) and node:
        return [x for v in node for x in leaves(v, path + ("[]",))]
    return [path + (repr(node),)]


def documents(text):
    try:
        return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError:
        return None


def keys_of(results):
    """Keys that the findings which were applied speak of."""
    out = set()
    for r in results:
        if r["fix"] and r["fix"]["applied"]:
            for op in r["fix"]["operations"]:
                for path in op["path"], op.get("to") or "":
                    out.update(re.findall(r'\["([^"]+)"\]', path))
                    out.add(path.split(".")[-1].split("]")[-1])
                if op["verb"] == "rename":
                    out.add(op["to"])
    return out - {""}


# Actions, found in another way than the tool does.
ACTION = re.compile(r'''\{\{-?\s*/\*.*?\*/\s*-?\}\}
                      | \{\{(?:"(?:\\.|[^"\\])*" | `[^`]*` | \}(?!\}) | [^}"`])*\}\}
                      | \{%.*?%\} | %\{[^}]*\} | \$\{[^}]*\}''', re.S | re.X)


class Template(Case):
    def lay(self, path, text):
        if not path:
            path = "chart/templates/x.yaml"
            self.write("chart/Chart.yaml", "name: x\n")
        self.write(path, text)
        return path

    def fix(self, path):
        """What the file becomes, and the findings. A second run must change nothing."""
        out = subprocess.run([shared.tool(), "-q", "-i", "-f", "json", "-x", "api-version", path], cwd=self.dir,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertIn(out.returncode, (0, 1, 2), out.stderr)
        results = json.loads(out.stdout)["results"]
        with open(self.path(path), newline="") as f:
            after = f.read()
        self.assertEqual([r["message"] for r in results if r["rule"] == "internal"], [], after)
        again = subprocess.run([shared.tool(), "-q", "-l", "-x", "api-version", path], cwd=self.dir,
                               stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(again.stdout, b"", "a second run would change it again")
        return after, results

    def same_but_for(self, before, after, keys, what):
        """Do two rendered texts say the same, but for entries of these keys?"""
        a, b = documents(before), documents(after)
        if a is None:
            return False
        self.assertIsNotNone(b, "%s: rendered, it was YAML and is none now:\n%s" % (what, after))
        self.assertEqual(len(a), len(b), what)
        for x, y in zip(a, b):
            was, now = leaves(x), leaves(y)
            for leaf in set(was) ^ set(now):
                if not keys & set(leaf):
                    # A map that became empty, or is no longer.
                    self.assertIn(leaf[-1], ("None", "{}"), "%s: %s" % (what, leaf))
        return True

    def check_rendered(self, before, after, keys, what, program, go):
        if go:
            if not program:
                return
            one, two = render_go(program, [before, after])
        else:
            one, two = ([Small.render(t, s) for s in range(SEEDS)] for t in (before, after))
        useful = 0
        for seed, (a, b) in enumerate(zip(one, two)):
            self.assertEqual(a is None, b is None, "%s, seed %d" % (what, seed))
            if a is not None:
                useful += self.same_but_for(a, b, keys, "%s, seed %d" % (what, seed))
        self.assertGreater(useful, 0, "%s: no values fit" % what)

    def check_changed(self, before, after, results, what, program, go):
        self.assertEqual(ACTION.findall(before), ACTION.findall(after), what)
        keys = keys_of(results)
        self.assertTrue(keys, what)
        self.check_rendered(before, after, keys, what, program, go)


class Golden(Template):
    def case(self, name, program):
        def read(file):
            p = os.path.join(DATA, name, file)
            if not os.path.exists(p):
                return None
            with open(p, newline="") as f:
                return f.read()

        def write(file, text):
            p = os.path.join(DATA, name, file)
            if text is not None:
                with open(p, "w", newline="") as f:
                    f.write(text)
            elif os.path.exists(p):
                os.remove(p)

        before = read("before.yaml")
        path = self.lay((read("path") or "").strip(), before)
        report = subprocess.run([shared.tool(), "-q", "-x", "api-version", path], cwd=self.dir,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60).stdout.decode()
        after, results = self.fix(path)
        if UPDATE:
            write("after.yaml", after if after != before else None)
            write("report.txt", report)
        self.assertEqual(after, read("after.yaml") or before)
        self.assertEqual(report, read("report.txt"))
        if after != before:
            self.check_changed(before, after, results, name, program, not read("path"))

    def test_cases(self):
        program = go_renderer()
        names = sorted(os.listdir(DATA))
        self.assertGreater(len(names), 20)
        for name in names:
            with self.subTest(name):
                self.case(name, program)


class Chart:
    """A Deployment with mistakes, and actions and blocks put into it by chance."""
    LINES = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels:
    app: shop
    sidecar.istio.io/inject: "true"
  annotations:
    team: shop
    sidecar.istio.io/inject: "false"
    traffic.sidecar.istio.io/excludeOutboundPorts: "5432"
    proxy.istio.io/config: |
      concurency: 2
      drainDuration: 45
spec:
  selector:
    matchLabels:
      app: shop
  template:
    metadata:
      labels:
        app: shop
        version: 1.10
      annotations:
        note: a
        sidecar.istio.io/inject: "true"
        traffic.sidecar.istio.io/excludeInboundPort: "80"
    spec:
      containers:
      - name: shop
        image: shop
""".splitlines()

    def __init__(self, rng):
        self.rng = rng
        self.lines = [line for line in self.LINES if rng.random() < 0.93 or line.endswith(":")]
        for _ in range(rng.randrange(1, 5)):
            rng.choice((self.block, self.block, self.branches, self.line, self.value, self.key, self.comment))()
        self.text = "\n".join(self.lines) + rng.choice(("", "\n"))

    def name(self):
        return ".Values." + self.rng.choice("abcdef")

    def indent(self, at):
        line = self.lines[min(at, len(self.lines) - 1)]
        return self.rng.choice((" " * (len(line) - len(line.lstrip())), "", "  "))

    def dash(self):
        return self.rng.choice(("", "-", "-"))

    def span(self):
        a = self.rng.randrange(len(self.lines))
        return a, min(len(self.lines), a + self.rng.choice((1, 1, 2, 3, 5, 30)))

    def block(self):
        a, b = self.span()
        word = self.rng.choice(("if", "if", "with", "if not"))
        self.lines[b:b] = ["%s{{%s end }}" % (self.indent(b), self.dash())]
        self.lines[a:a] = ["%s{{%s %s %s }}" % (self.indent(a), self.dash(), word, self.name())]

    def branches(self):
        a, b = self.span()
        other = [line.replace("shop", "other").replace("true", "false") for line in self.lines[a:b]]
        self.lines[a:b] = (["%s{{- if %s }}" % (self.indent(a), self.name())] + self.lines[a:b] +
                           ["%s{{- else }}" % self.indent(a)] + other + ["%s{{- end }}" % self.indent(b)])

    def line(self):
        a = self.rng.randrange(1, len(self.lines) + 1)
        n = self.rng.choice((2, 4, 6, 8))
        self.lines[a:a] = [self.rng.choice((
            "    {{- toYaml .Values.m | nindent %d }}" % n, "{{ toYaml .Values.m | indent %d }}" % n,
            "%s{{ include \"one\" . }}" % (" " * n), "{{- include \"two\" . | nindent %d }}" % n,
            "%s{{ with .Values.m -}}{{ toYaml . | nindent %d }}{{ end }}" % (" " * n, n), "%s{{- range $k, $v := .Values.m }}\n%s{{ $k }}: {{ $v }}\n%s{{- end }}" % (" " * n, " " * n, " " * n)))]

    def value(self):
        a = self.rng.randrange(len(self.lines))
        key, colon, value = self.lines[a].partition(": ")
        if colon:
            self.lines[a] = key + colon + self.rng.choice((
                "{{ .Values.t }}", '"{{ .Values.t }}"', "{{ .Values.t | quote }}",
                "{{ if .Values.a }}x{{ else }}y{{ end }}", value + " {{/* c */}}", value + "{{/* c */ -}}"))

    def key(self):
        a = self.rng.randrange(len(self.lines))
        key, colon, value = self.lines[a].partition(": ")
        if colon:
            self.lines[a] = " " * (len(key) - len(key.lstrip())) + "{{ .Values.k }}" + colon + value

    def comment(self):
        a = self.rng.randrange(len(self.lines))
        self.lines[a:a] = [self.indent(a) + self.rng.choice(("# {{ .Values.t }}", "# note", "{{- /* c */}}",
                                                             "{{/* c */ -}}", "{{- $x := 1 }}"))]


class Random(Template):
    """Whatever is put into a chart: what is changed renders to the same, but for the keys that are named."""
    CHARTS = int(os.environ.get("ISTIO_FIX_CHARTS", "500"))

    def test_random_charts(self):
        program = go_renderer()
        if not program:
            self.skipTest("no Go, no Sprig")
        rng, changed = random.Random(6), []
        for n in range(self.CHARTS):
            text = Chart(rng).text
            after, results = self.fix(self.lay("", text))
            if after != text:
                self.assertEqual(ACTION.findall(text), ACTION.findall(after), text)
                changed.append((text, after, keys_of(results)))
        rendered = render_go(program, [t for c in changed for t in c[:2]])
        useful = 0
        for i, (text, after, keys) in enumerate(changed):
            for seed, (a, b) in enumerate(zip(rendered[2 * i], rendered[2 * i + 1])):
                self.assertEqual(a is None, b is None, text)
                if a is not None:
                    with self.subTest("chart %d, seed %d" % (i, seed)):
                        useful += self.same_but_for(a, b, keys, "of\n%s\nwas made\n%s\nseed %d" % (text, after, seed))
        print("random charts: %d, %d changed, %d renderings compared" % (self.CHARTS, len(changed), useful))
        self.assertGreater(len(changed), self.CHARTS // 5)
        self.assertGreater(useful, len(changed))


def corpus():
    """[(path, bytes)] of the templates in the shared corpus."""
    root = shared.find()
    if not root or not os.path.isdir(os.path.join(root, "corpus")):
        return None
    with open(os.path.join(root, "corpus", "MANIFEST.tsv"), newline="") as f:
        rows = [r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if "template" in r["why"]]
    out = []
    for r in rows:
        with open(os.path.join(root, "corpus", r["file"]), newline="") as f:
            out.append((r["file"], f.read()))
    return out


class Corpus(Template):
    table = []

    def one(self, number, name, before, program):
        chart = is_go(before) and "/templates/" in name and not name.endswith(".tpl")
        path = "%d/%sx.yaml" % (number, "templates/" if chart else "")
        if chart:
            self.write("%d/Chart.yaml" % number, "name: x\n")
        after, results = self.fix(self.lay(path, before))
        if after != before:
            self.check_changed(before, after, results, name, program, is_go(before))
        fixed = [r["rule"] for r in results if r["fix"] and r["fix"]["applied"]]
        refused = [(r["rule"], r["fix"]["refused"]) for r in results if r["fix"] and r["fix"]["refused"]]
        unread = [r["message"] for r in results if r["rule"] in ("template", "yaml", "limit")]
        self.table.append((name, fixed, refused, unread))

    def test_corpus(self):
        templates = corpus()
        if templates is None:
            self.skipTest("no shared corpus (set ISTIO_FIX_SHARED, or have ../shared beside the repository)")
        program = go_renderer()
        for number, (name, before) in enumerate(templates):
            with self.subTest(name):
                self.one(number, name, before, program)
        changed = [t for t in self.table if t[1]]
        unread = [t for t in self.table if t[3]]
        print("templates of the corpus: %d, %d fixed in %d places, %d with refusals, %d not followed" % (
            len(self.table), len(changed), sum(len(t[1]) for t in changed),
            len([t for t in self.table if t[2]]), len(unread)))
        self.assertEqual(len(self.table), 86)
        self.assertGreaterEqual(len(changed), 30)
        self.assertLessEqual(len(unread), 5)


def print_table():
    print("| template | fixed | refused, and why |\n|---|---|---|")
    for name, fixed, refused, unread in Corpus.table:
        why = ["%s: %s" % r for r in refused] + unread
        print("| %s | %s | %s |" % (name, ", ".join(fixed) or "-", "; ".join(w.replace("|", "\\|") for w in why) or "-"))


if __name__ == "__main__":
    table = "--table" in sys.argv
    shared.tool()
    program = unittest.main(argv=[a for a in sys.argv if a != "--table"] + (["Corpus"] if table else []), exit=False)
    if table:
        print_table()
    sys.exit(not program.result.wasSuccessful())
