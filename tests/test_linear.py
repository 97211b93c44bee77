#!/usr/bin/env python3
"""Time is linear: many findings in one document, on many lines or on one, cost what many documents do.

    test_linear.py [NAME...]       all tests, or those of unittest's names

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool.
"""
import json
import os
import re
import resource
import subprocess
import sys
import unittest

import test_cli
from test_cli import Case

FEW, MANY = 1500, 12000  # eight times as many; a square is sixty-four times as much


def route(_):
    return {"mirrorPercent": 25, "route": [{"destination": {"host": "a"}}]}


def service(i):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"s{i}", "annotations": {"x": i}}}


def virtual_service(n):
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a"},
            "spec": {"hosts": ["x"], "http": [route(i) for i in range(n)]}}


def services(n):
    return {"apiVersion": "v1", "kind": "List", "items": [service(i) for i in range(n)]}


def annotations(n):
    out = service(0)
    out["metadata"]["annotations"] = {f"k{i}": i for i in range(n)}
    return out


def deployments(n):
    return {"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "apps/v1", "kind": "Deployment",
         "metadata": {"name": f"d{i}", "annotations": {"sidecar.istio.io/proxyCPU": 2}},
         "spec": {"template": {"metadata": {"labels": {"app": "a"}}}}} for i in range(n)]}


def as_block(value, indent=""):
    """YAML of maps and lists that are not empty, scalars plain."""
    if isinstance(value, list):
        return "".join(f"{indent}-{as_block(v, indent + '  ')[len(indent) + 1:]}" for v in value)
    if isinstance(value, dict):
        return "".join(f"{indent}{k}:" + (f" {v}\n" if not isinstance(v, (dict, list)) else
                                          "\n" + as_block(v, indent + "  ")) for k, v in value.items())
    return f"{indent}{value}\n"


def with_aliases(value):
    return as_block(value) + "more: [&a b, *a]\n"


def with_quoted_keys(value):
    return re.sub(r"^( *(?:- )?)(\w+):", r"\1'\2':", as_block(value), flags=re.M)


class Linear(Case):
    def cpu(self, name, args):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        run = subprocess.run([test_cli.TOOL, "-j1", "--no-config", *args, name], cwd=self.dir,
                             stdin=subprocess.DEVNULL, capture_output=True)
        self.assertLess(run.returncode, 2, run.stderr[-500:])
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, run.stdout

    def check(self, make, write, args=()):
        self.write("few.yaml", write(make(FEW)))
        self.write("many.yaml", write(make(MANY)))
        few, said = self.cpu("few.yaml", args)
        many, much = self.cpu("many.yaml", args)
        self.assertGreater(len(much), len(said) * 4)  # it did find them
        self.assertLess(many, 20 * few + 0.3, f"{few:.2f} s for {FEW}, {many:.2f} s for {MANY}")

    def test_each_shape_in_each_style(self):
        for make in virtual_service, services, annotations, deployments:
            for write in json.dumps, as_block, with_aliases, with_quoted_keys:
                for args in (), ("-f", "sarif"):
                    with self.subTest(make=make.__name__, write=write.__name__, args=args):
                        self.check(make, write, args)


if __name__ == "__main__":
    if not os.access(test_cli.TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % test_cli.TOOL)
        sys.exit(77)
    test_cli.TOOL = os.path.abspath(test_cli.TOOL)
    unittest.main()
