#!/usr/bin/env python3
"""`ambient plan -f html`: one page, well formed, closed to strangers' markup, and equal to the JSON plan.

    test_ambient_html.py [NAME...]      all tests, or those of unittest's names

With Chromium in PATH (or $CHROMIUM) the page is opened in it, too: no message on its console, and the policy of its
head admits its own script. Screenshots go to $ISTIO_FIX_SCREENSHOTS when that is a directory. Environment: ISTIO_FIX.
"""
import base64
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

TOOL = shared.tool()
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
NO_CHROMIUM = "no chromium in PATH (or set CHROMIUM): the page is not opened in a browser"
VOID = {"meta", "input", "br", "link", "img", "hr", "col", "base", "source"}
EVIL = ['<script>alert(1)</script>', '"onload="alert(1)', "' onclick='alert(1)", "</script><b>", "a\u202egnp.exe",
        "</style><img src=x>", "&lt;b&gt;", "]]>--><!--", "\u2066x\u200b", "</title>"]

NAMESPACE = """apiVersion: v1
kind: Namespace
metadata: {name: %s, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: %s}
spec:
  replicas: 3
  selector: {matchLabels: {app: app}}
  template:
    metadata:
      labels: {app: app}
      annotations: {sidecar.istio.io/proxyCPU: 100m, sidecar.istio.io/proxyMemory: 64Mi, %s: x}
    spec: {containers: [{name: app, image: app, env: [{name: URL, value: %s}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: %s}
spec: {selector: {app: app}, ports: [{name: http, port: 80}]}
"""
POLICY = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: callers, namespace: %s}
spec:
  selector: {matchLabels: {app: app}}
  rules: [{from: [{source: {principals: [%s]}}], to: [{operation: {methods: [GET]}}]}]
"""
FILTER = """---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: lua, namespace: %s}
spec: {configPatches: []}
"""


def namespace(name, calls="", note="example.com/note"):
    q = json.dumps
    return NAMESPACE % (q(name), q(name), q(note), q(calls), q(name))


def estate(n):
    """Namespaces a0 ... that call the next one; a cycle, a filter, an ambient one, policies."""
    files = {}
    for i in range(n):
        name = "a%d" % i
        text = namespace(name, "http://app.a%d.svc:80" % (i + 1 if i % 7 else max(i - 1, 0)))
        if i % 4 == 1:
            text += POLICY % (name, "cluster.local/ns/a%d/sa/default" % (i - 1))
        if i % 9 == 5:
            text += FILTER % name
        if i % 11 == 10:
            text = text.replace("istio-injection: enabled", "istio.io/dataplane-mode: ambient")
        files[name + ".yaml"] = text
    return files


class Page(html.parser.HTMLParser):
    """Elements, their attributes, and their text; an error for whatever is not nested."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.stack, self.elements, self.errors, self.ids = [], [], [], set()
        self.feed(text)
        self.close()
        if self.stack:
            self.errors.append("not closed: %s" % [e["tag"] for e in self.stack])

    def handle_starttag(self, tag, attrs):
        e = {"tag": tag, "text": "", "attrs": dict(attrs), "path": [x["tag"] for x in self.stack],
             "up": self.stack[-1] if self.stack else None}
        if len(attrs) != len(dict(attrs)):
            self.errors.append("an attribute twice: %s" % attrs)
        if "id" in e["attrs"]:
            if e["attrs"]["id"] in self.ids:
                self.errors.append("an id twice: " + e["attrs"]["id"])
            self.ids.add(e["attrs"]["id"])
        self.elements.append(e)
        if tag not in VOID:
            self.stack.append(e)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack[-1]["tag"] != tag:
            self.errors.append("%s: </%s> closes nothing" % (self.getpos(), tag))
        else:
            self.stack.pop()

    def handle_data(self, data):
        for e in self.stack:
            e["text"] += data

    def of(self, tag, css=None, within=None):
        return [e for e in self.elements if e["tag"] == tag and
                (css is None or css in (e["attrs"].get("class") or "").split()) and
                (within is None or self.inside(e, within))]

    @staticmethod
    def inside(e, css):
        while e:
            if css in (e["attrs"].get("class") or "").split():
                return True
            e = e["up"]
        return False

    def cells(self, row):
        return [e["text"] for e in self.elements if e["up"] is row and e["tag"] in ("td", "th")]

    def rows(self, css):
        return [e for e in self.of("tr", within=css) if e["up"]["tag"] == "tbody"]


def visible(text):
    """As the page writes characters without a shape."""
    return re.sub("[\u200b-\u200f\u2028-\u202e\u2060-\u206f]", lambda m: "\\u%04x" % ord(m.group()), text)


class Case(unittest.TestCase):
    def examples(self):
        """Of the shared folder, or skip this one test."""
        if not shared.find():
            self.skipTest("no shared folder (set ISTIO_FIX_SHARED, or have ../shared beside the repository)")
        return shared.need("ambient", "examples")

    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="istio-fix-html.")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def write(self, files):
        for name, text in files.items():
            path = os.path.join(self.dir, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def plan(self, form, *paths):
        r = shared.run([TOOL, "ambient", "plan", "-q", "-f", form] + (list(paths) or ["."]), timeout=60, cwd=self.dir)
        self.assertIn(r.returncode, (0, 1, 3), r.stderr)
        self.assertEqual(r.stderr, b"")
        return r.stdout.decode("utf-8")

    def page(self, *paths):
        text = self.plan("html", *paths)
        page = Page(text)
        self.assertEqual(page.errors, [])
        return page, text

    def agrees(self, *paths):
        """Page and JSON tell the same."""
        page, _ = self.page(*paths)
        plan = json.loads(self.plan("json", *paths))
        environments = plan["environments"]
        namespaces = [n for e in environments for n in e["namespaces"]]
        rows = page.rows("namespaces")
        cells = {r["attrs"]["data-ns"]: page.cells(r) for r in rows}
        self.assertEqual(len(rows), len(namespaces))
        for n in namespaces if len(environments) == 1 else []:
            c = cells[visible(n["name"])]
            self.assertEqual(c[0], visible(n["name"]))
            status = "held" if n["held"] else "enroll held" if n["enrollHeld"] else \
                "ambient" if n["state"] == "ambient" else "out" if not n["migrates"] else \
                "warned" if any(f["severity"] != "information" for f in n["findings"]) else "ready"
            self.assertEqual(c[1], status)
            self.assertEqual(c[3].split()[0], str(n["wave"] or "–"))
            self.assertEqual("cycle" in c[3], n["cycle"] > 0)
            self.assertEqual(c[4], n["next"] or "–")
            self.assertEqual({x["service"] for x in n["needsWaypoint"]} - set(re.split(r"[\s,]+", c[5])), set())
            held = [f["id"] for f in n["findings"] if f["holds"]]
            self.assertEqual([x for x in c[6].split() if x != "–"][:len(held)], held)
            self.assertEqual(c[7], str(len(n["findings"]) or "–"))
        found = [f for e in environments for f in e["findings"] + [f for n in e["namespaces"] for f in n["findings"]]]
        shown = [page.cells(r) for r in page.rows("findings")]
        self.assertEqual(sorted((f["severity"], f["id"]) for f in found),
                         sorted((c[0], c[1].split()[0]) for c in shown))
        texts = "\n".join(c[4] for c in shown)
        for f in found:
            self.assertIn(visible(f["reason"]), texts)
            if "file" in f:
                self.assertIn("%s:%d:%d" % (f["file"], f["line"], f["column"]), texts)
        calls = [c for e in environments for c in e["calls"]]
        self.assertEqual(sorted((visible(c["from"]), c["to"]) for c in calls),
                         sorted((r["attrs"]["data-ns"], r["attrs"]["data-to"]) for r in page.rows("calls")))
        edges = {(c["from"], c["to"]) for e in environments for c in e["calls"] if c["from"] != c["to"]}
        if len(environments) == 1:
            self.assertEqual(len(page.of("path", "edge")), len(edges))
        counts = {e["attrs"]["data-count"]: int(e["text"]) for e in page.of("dd") if "data-count" in e["attrs"]}
        s = plan["summary"]
        self.assertEqual((counts["ready"] + counts["warned"], counts["held"], counts["enroll held"]),
                         (s["ready"], s["held"], s["enrollHeld"]))
        self.assertEqual((counts["blocker"], counts["security"], counts["warning"], counts["information"]),
                         (s["blockers"], s["security"], s["warnings"], s["information"]))
        return page, plan


class Whole(Case):
    def test_an_empty_tree_has_a_page(self):
        self.write({"readme.txt": "nothing\n"})
        page, _ = self.page()
        self.assertEqual(page.rows("namespaces"), [])

    def test_agrees_with_the_json_plan(self):
        self.write(estate(40))
        page, plan = self.agrees()
        env = plan["environments"][0]
        self.assertTrue(env["cycles"] and env["waves"] > 2 and plan["summary"]["held"])
        self.assertEqual(len(page.of("g", "cycle")), env["cycles"])

    def test_sums_of_resources(self):
        self.write(estate(4))
        page, _ = self.page()
        foot = [e for e in page.of("tr", within="tuning") if e["up"]["tag"] == "tfoot"][0]
        self.assertEqual(page.cells(foot)[:4], ["all", "12", "1.2", "768Mi"])

    def test_agrees_for_the_examples(self):
        examples = self.examples()
        for name in sorted(os.listdir(examples)):
            before = os.path.join(examples, name, "before.yaml")
            if os.path.exists(before):
                shutil.copyfile(before, os.path.join(self.dir, name + ".yaml"))
        self.agrees()

    def test_environments_are_apart(self):
        self.write({"dev/a0.yaml": namespace("a0"), "prod/a0.yaml": namespace("a0", "http://app.a0.svc")})
        page, _ = self.page("--environment", "dev", "--environment", "prod", ".")
        self.assertEqual(len(page.of("section", "environment")), 2)
        self.assertEqual(len(page.rows("namespaces")), 2)
        rows = [page.cells(r) for r in page.elements if r["tag"] == "tr" and r["up"]["tag"] == "tbody" and
                r["up"]["up"]["up"]["up"]["attrs"].get("id") == "environments"]
        self.assertEqual([r[:3] for r in rows], [["dev", "1", "1"], ["prod", "1", "1"]])

    def test_the_same_twice(self):
        self.write(estate(30))
        self.assertEqual(self.plan("html"), self.plan("html"))

    def test_links_lead_somewhere(self):
        self.write(estate(40))
        page, _ = self.page()
        for e in page.of("a"):
            href = e["attrs"]["href"]
            if href.startswith("#"):
                self.assertIn(href[1:], page.ids)
            else:
                self.assertTrue(href.startswith("https://istio.io/"), href)


def hunks(diff):
    """{path: its hunks} of a unified diff of git's."""
    files, path = {}, None
    for line in diff.splitlines():
        if line.startswith("diff --git "):
            path = line.split(" b/", 1)[1]
            files[path] = []
        elif files.get(path) or line.startswith("@@"):
            files[path].append(line)
    return files


class Phases(Case):
    """The page's phases are what `apply` does, one after the other."""

    def shown(self, page, phase):
        files = {}
        for d in page.of("details"):
            section = d["up"]
            if section["attrs"].get("id") == "phase-" + phase and "data-ns" in d["attrs"]:
                path, = [e["text"] for e in page.of("code") if e["up"]["up"] is d]
                pre, = [e["text"] for e in page.of("pre") if e["up"] is d]
                files[path] = pre.splitlines()
        return files

    def check(self):
        page, _ = self.page()
        changed = 0
        for phase in ("prepare", "bind", "enroll", "cleanup"):
            args = [TOOL, "ambient", "apply", "-q", "--phase", phase, "--all"]
            r = shared.run(args + ["-d", "."], timeout=60, cwd=self.dir)
            self.assertIn(r.returncode, (0, 1, 3), r.stderr)
            said = hunks(r.stdout.decode("utf-8"))
            changed += len(said)
            self.assertEqual(self.shown(page, phase), said, phase)
            r = shared.run(args + ["-i", "."], timeout=60, cwd=self.dir)
            self.assertIn(r.returncode, (0, 3), r.stderr)
        return page, changed

    def test_they_are_what_apply_does(self):
        self.write(estate(40))
        page, changed = self.check()
        self.assertGreater(changed, 50)
        self.assertIn("EnvoyFilter", [s["text"] for s in page.of("section", "phase")][0])

    def test_they_are_what_apply_does_to_the_examples(self):
        examples = self.examples()
        for name in sorted(os.listdir(examples)):
            before = os.path.join(examples, name, "before.yaml")
            if os.path.exists(before):
                shutil.copyfile(before, os.path.join(self.dir, name + ".yaml"))
        self.assertGreater(self.check()[1], 30)

    def test_a_file_of_its_own(self):
        """bind finds what prepare has put into a new file, and cleanup may drop a whole file."""
        policy = POLICY % ("a1", "cluster.local/ns/a0/sa/default")
        self.write({"a0.yaml": namespace("a0"), "base/a1.yaml": namespace("a1"), "base/policy.yaml": policy[4:],
                    "base/kustomization.yaml": "resources:\n- a1.yaml\n- policy.yaml\n"})
        self.assertGreater(self.check()[1], 3)

    def test_evidence(self):
        self.write(estate(20))
        page, _ = self.page()
        rows = [page.cells(r) for r in page.rows("evidence-table")]
        self.assertTrue(rows)
        self.assertEqual({r[7] for r in rows} - {"the same", "refused from now on", "opens to mutual TLS"}, set())
        for r in rows:
            if r[7] == "the same":
                self.assertEqual(r[5].split(" ")[0].strip(":"), r[6].split(" ")[0].strip(":"), r)
        # Rows that change come first.
        self.assertEqual(rows, sorted(rows, key=lambda r: r[7] == "the same"))

    def test_only_what_is_asked_for(self):
        self.write(estate(10))
        page, _ = self.page("-n", "a1", ".")
        names = {d["attrs"]["data-ns"] for d in page.of("details") if self.in_phase(d) and "data-ns" in d["attrs"]}
        self.assertEqual(names, {"a1"})

    @staticmethod
    def in_phase(e):
        return Page.inside(e, "phase")


class Closed(Case):
    """Nothing is fetched, and no text becomes markup."""

    def check_closed(self, page, text):
        policy = [e["attrs"]["content"] for e in page.of("meta") if "http-equiv" in e["attrs"]]
        self.assertEqual(len(policy), 1)
        self.assertIn("default-src 'none'", policy[0])
        self.assertNotIn("unsafe", policy[0])
        for tag in ("script", "style"):
            e, = page.of(tag)
            digest = base64.b64encode(hashlib.sha256(e["text"].encode()).digest()).decode()
            self.assertIn("%s-src 'sha256-%s'" % (tag, digest), policy[0])
            self.assertEqual(e["attrs"], {})
            self.assertNotIn("http", e["text"].replace("http://www.w3.org/2000/svg", ""))
            self.assertNotRegex(e["text"], r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML|eval\(")
        for e in page.elements:
            self.assertNotIn(e["tag"], ("link", "img", "iframe", "object", "embed", "base", "video", "audio", "image",
                                        "use", "foreignobject"))
            for name in e["attrs"]:
                self.assertFalse(name.startswith("on") or name in ("src", "srcset", "style", "xlink:href"), name)
        self.assertNotRegex(text, "[\u200b-\u200f\u2028-\u202e\u2060-\u206f]")

    def test_a_plain_page(self):
        self.write(estate(12))
        self.check_closed(*self.page())

    def test_names_from_strangers(self):
        for i, evil in enumerate(EVIL):
            with self.subTest(evil):
                self.write({"a.yaml": namespace("victim", "http://app.%s.svc:80" % evil, evil) +
                            POLICY % ("victim", json.dumps("cluster.local/ns/%s/sa/x" % evil)) +
                            namespace(evil, evil).join(["---\n", ""]) + FILTER % json.dumps(evil)})
                page, text = self.page()
                self.check_closed(page, text)
                names = [r["attrs"]["data-ns"] for r in page.rows("namespaces")]
                self.assertIn(visible(evil), names)
                self.assertEqual(len(page.of("b", within="details")), len(names))

    def test_names_of_files(self):
        self.write({"<b>'x'&\u202e\".yaml": namespace("a", "http://app.b.svc") + "---\n" + namespace("b") + FILTER % "b"})
        page, text = self.page()
        self.check_closed(page, text)
        self.assertIn("<b>'x'&\\u202e\".yaml:", page.rows("findings")[0]["text"])


@unittest.skipUnless(CHROMIUM, NO_CHROMIUM)
class Browser(Case):
    def see(self, name, size="1280,2400", dark=False):
        shots = os.environ.get("ISTIO_FIX_SCREENSHOTS") or self.dir
        png = os.path.join(shots, "%s-%s.png" % (name, "dark" if dark else "light"))
        profile = tempfile.mkdtemp(prefix="profile.", dir=self.dir)
        args = [CHROMIUM, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--user-data-dir=" + profile, "--enable-logging=stderr",
                "--hide-scrollbars", "--window-size=" + size, "--virtual-time-budget=3000",
                "--blink-settings=preferredColorScheme=%d" % (not dark)]
        if os.geteuid() == 0:
            args.append("--no-sandbox")
        url = "file://" + os.path.join(self.dir, "page.html")
        r = shared.run(args + ["--screenshot=" + png, url], timeout=120)
        if r.returncode == 0 and not dark:
            dom = shared.run(args + ["--dump-dom", url], timeout=120)
            self.dom = dom.stdout.decode("utf-8", "replace")
        said = [line for line in r.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line.upper()]
        self.assertEqual(said, [])
        self.assertEqual(r.returncode, 0, r.stderr)
        with open(png, "rb") as f:
            self.assertEqual(f.read(8), b"\x89PNG\r\n\x1a\n")

    def open(self, name):
        with open(os.path.join(self.dir, "page.html"), "w", encoding="utf-8") as f:
            f.write(self.plan("html"))
        self.see(name)
        # The script ran to its end: it offers the filter, makes titles buttons, and takes hold of the graph.
        self.assertNotRegex(self.dom, r'<form id="filters"[^>]* hidden')
        self.assertRegex(self.dom, r'<th[^>]*><button type="button">Namespace</button>')
        self.assertIn('class="canvas live"', self.dom)
        self.assertIn('aria-label="Zoom in"', self.dom)
        self.see(name, dark=True)

    def test_a_small_tree(self):
        self.write(estate(12))
        self.open("small")

    def test_names_from_strangers(self):
        self.write({"%d.yaml" % i: namespace(e, "http://app.%s.svc" % e) for i, e in enumerate(EVIL)})
        self.open("strangers")

    def test_500_namespaces(self):
        self.write(estate(500))
        self.open("large")


if __name__ == "__main__":
    if not CHROMIUM:
        print("skip: " + NO_CHROMIUM, flush=True)
    unittest.main(verbosity=1)
