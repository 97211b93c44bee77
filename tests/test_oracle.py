#!/usr/bin/env python3
"""Runs the oracle's own test (oracle/selftest.py)."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from oracle import shared  # noqa: E402

shared.need_yaml()
from oracle import selftest  # noqa: E402

if len(sys.argv) > 1 and sys.argv[1].isdigit():
    selftest.Damage.rounds = int(sys.argv.pop(1))
unittest.main(module=selftest)
