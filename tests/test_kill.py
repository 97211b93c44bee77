#!/usr/bin/env python3
"""Killed at each system call, and each call that writes made to fail: the tree is old or new.

    test_kill.py [NAME...]       all tests, or those of unittest's names

The tool runs under ptrace and is stopped before each call; at one of them it, its helper process or
both get SIGKILL. Failing calls are strace's work.

Environment: ISTIO_FIX (ctest sets it). Exit 77: there is no tool, or no ptrace here.
"""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ProcessPoolExecutor

import test_cli
from oracle import shared
from test_cli import Case, CLEAN, MOVE, MOVED

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420e
ENTRY = 1  # what GET_SYSCALL_INFO says first
TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE, EXITKILL = 1, 2, 4, 8, 1 << 20
WALL = 0x40000000

# Where a flush costs nothing.
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

STRIDE = 1  # a program with sanitizers is slow to start and to kill: then some stops do

FILES = {"a.yaml": MOVE, "s/b.yaml": MOVE, "s/c.yaml": CLEAN}
FIXED = {"a.yaml": MOVED, "s/b.yaml": MOVED, "s/c.yaml": CLEAN}
TEMPORARY = re.compile(r"\.istio-fix\.[0-9a-f]{16}$")


def ptrace(request, pid, data=0):
    if LIBC.ptrace(request, pid, None, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


INFO = ctypes.create_string_buffer(128)


def is_entry(pid):
    LIBC.ptrace(GET_SYSCALL_INFO, pid, ctypes.c_void_p(len(INFO)), ctypes.cast(INFO, ctypes.c_void_p))
    return INFO.raw[0] == ENTRY


def start(args, cwd):
    """The traced child, stopped behind exec."""
    pid = os.fork()
    if not pid:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            os.chdir(cwd)
            ptrace(TRACEME, 0)
            os.execv(test_cli.TOOL, [test_cli.TOOL] + args)
        finally:
            os._exit(126)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        raise OSError("the tool cannot be traced here")
    ptrace(SETOPTIONS, pid, TRACESYSGOOD | TRACEFORK | TRACEVFORK | TRACECLONE | EXITKILL)
    return pid


def run(args, cwd, at, whom):
    """
    Kill `whom` ("run", "helper", "both") at the stop number `at`, counted from 1 over those of the run and
    its helpers (for "helper": of the helpers). Returns whether there was such a stop, and the exit code of
    the run if it came to its end.
    """
    main = start(args, cwd)
    alive, fresh, stops, killed, code = {main}, set(), 0, False, None
    ptrace(SYSCALL, main)
    while alive:
        pid, status = os.waitpid(-1, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            alive.discard(pid)
            if pid == main and os.WIFEXITED(status):
                code = os.WEXITSTATUS(status)
            continue
        if pid not in alive:
            alive.add(pid)  # its first stop
            fresh.add(pid)
        sig = os.WSTOPSIG(status)
        counts = pid in fresh or (sig == signal.SIGTRAP | 0x80 and is_entry(pid))
        stops += bool(counts and (whom != "helper" or pid != main))
        if not killed and stops == at:
            killed = True
            for victim in {"run": [main], "helper": [pid], "both": list(alive)}[whom]:
                os.kill(victim, signal.SIGKILL)
        deliver = 0 if sig & 0x80 or sig == signal.SIGTRAP or pid in fresh else sig
        fresh.discard(pid)
        try:
            ptrace(SYSCALL, pid, deliver)
        except OSError:
            pass  # killed meanwhile
    return killed, code


def files(top):
    found = {}
    for at, _, names in os.walk(top):
        for name in names:
            path = os.path.join(at, name)
            with open(path) as f:
                found[os.path.relpath(path, top)] = f.read()
    return found


def new_tree(files_=FILES):
    top = tempfile.mkdtemp(prefix="istio-fix-kill.", dir=SCRATCH)
    for name, text in files_.items():
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
        with open(os.path.join(top, name), "w") as f:
            f.write(text)
    return top


def again(top, *args):
    r = subprocess.run([test_cli.TOOL, *args], cwd=top, stdin=subprocess.DEVNULL, capture_output=True)
    return r.returncode, r.stderr.decode()


def without_backups(found):
    """The files that have no suffix; a backup holds what its file held before."""
    for name, text in found.items():
        if name.endswith("~"):
            assert text == FILES[name[:-1]], (name, text)
    return {name: text for name, text in found.items() if not name.endswith("~")}


def each_old_or_new(found):
    assert sorted(found) == sorted(FILES), sorted(found)
    for name, text in found.items():
        assert text in (FILES[name], FIXED[name]), (name, text)


def all_old_or_new(found):
    assert found in (FILES, FIXED), found


def after_plain(top, whom):
    """Old or new, and nothing else, at once; only who kills both has to start the tool again."""
    found = files(top)
    if whom == "both":
        found = {name: text for name, text in found.items() if not TEMPORARY.search(name)}
    each_old_or_new(without_backups(found))


def after_atomic(top, whom):
    """All old or all new after the next start."""
    code, err = again(top, "recover", ".")
    assert code == 0, err
    found = files(top)
    all_old_or_new(without_backups(found))
    backups = {name for name in found if name.endswith("~")}
    assert not backups or without_backups(found) == FIXED


CHECKS = {"plain": after_plain, "atomic": after_atomic}


def kill_at(case):
    """One run, killed once; then the check; then a run that is not disturbed, and makes all new."""
    check, args, whom, at = case
    top = new_tree()
    try:
        there, code = run(args, top, at, whom)
        if whom == "helper":
            assert code in (0, 2), code
        CHECKS[check](top, whom)
        if there:
            code, err = again(top, *args)
            assert code == 0, err
            assert without_backups(files(top)) == FIXED, files(top)
        return there, None
    except AssertionError as e:
        return True, "%s %s at stop %d: %s" % (whom, " ".join(args), at, e)
    finally:
        shutil.rmtree(top)


class Kill(unittest.TestCase):
    def sweep(self, check, args, whom="run", least=50):
        """Stop after stop, until there is none."""
        at, step, least = 1, 64, least // STRIDE
        with ProcessPoolExecutor(2) as pool:
            while True:
                results = list(pool.map(kill_at, [(check, args, whom, at + i * STRIDE) for i in range(step)], chunksize=8))
                for _, problem in results:
                    self.assertIsNone(problem)
                if not all(there for there, _ in results):
                    break
                at += step * STRIDE
        stops = at // STRIDE - 1 + sum(there for there, _ in results)
        self.assertGreaterEqual(stops, least)

    def test_plain(self):
        self.sweep("plain", ["-iq", "."], least=150)

    def test_plain_both(self):
        self.sweep("plain", ["-iq", "."], "both", least=150)

    def test_plain_helper(self):
        self.sweep("plain", ["-iq", "."], "helper", least=8)

    def test_backup(self):
        self.sweep("plain", ["-iq", "--backup", "."], least=150)

    def test_backup_both(self):
        self.sweep("plain", ["-iq", "--backup", "."], "both", least=150)

    def test_backup_helper(self):
        self.sweep("plain", ["-iq", "--backup", "."], "helper", least=8)

    def test_atomic(self):
        self.sweep("atomic", ["-iq", "--atomic", "."], least=200)

    def test_atomic_with_backup(self):
        self.sweep("atomic", ["-iq", "--atomic", "--backup", "."], least=200)


def interrupted(at):
    """A tree as a run leaves it that was killed at this stop; None when it came to its end."""
    top = new_tree()
    there, _ = run(["-iq", "--atomic", "."], top, at, "run")
    if there:
        return top
    shutil.rmtree(top)
    return None


def kill_recovery(at):
    """Where the run was killed at `at`: the recovery is killed at each of its stops, too."""
    problems, k = [], 1
    while True:
        top = interrupted(at)
        if not top:
            return False, problems
        try:
            there, _ = run(["recover", "."], top, k, "run")
            after_atomic(top, "run")
        except AssertionError as e:
            problems.append("stop %d, then %d of the recovery: %s" % (at, k, e))
            return True, problems
        finally:
            shutil.rmtree(top)
        if not there:
            return True, problems
        # The program's start is the same each time.
        k += STRIDE if k > 80 else 20


class KillAgain(unittest.TestCase):
    def test_recovery(self):
        """At some stops of the second half: before `done`, and behind it."""
        total = 1
        while True:
            top = interrupted(total)
            if not top:
                break
            shutil.rmtree(top)
            total += 16
        with ProcessPoolExecutor(2) as pool:
            for _, problems in pool.map(kill_recovery, range(total // 2 + 1, total - 16, max(total // 16, 1))):
                self.assertEqual(problems, [])


def fail_call(case):
    """One call fails once. The run says so, ends with 2, and the tree is as the mode promises."""
    args, call, error, when, check = case
    top = new_tree()
    log = top + ".log"
    try:
        inject = "inject=?%s:error=%s:when=%d" % (call, error, when)
        r = subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", "trace=?" + call, "-e", inject, test_cli.TOOL, *args],
                           cwd=top, stdin=subprocess.DEVNULL, capture_output=True)
        with open(log) as f:
            text = f.read()
        if "(INJECTED)" not in text:
            return False, None
        if r.returncode == 127:  # a library of ours was not found
            return True, None
        found, what = files(top), "%s %s=%s number %d: " % (" ".join(args), call, error, when)
        assert r.returncode in (0, 1, 2), what + str(r.returncode)
        if r.returncode == 2:
            assert re.search(rb"(: error: .+ \[(write|read)\]|standard output: .+)\n", r.stderr), what + repr(r.stderr)
        else:
            assert without_backups(found) == FIXED, what + repr(found)
        if check == "atomic":
            assert not any(TEMPORARY.search(n) for n in found) or ".istio-fix-journal" in found, what + repr(found)
        CHECKS[check](top, "run")
        return True, None
    except AssertionError as e:
        return True, str(e)
    finally:
        shutil.rmtree(top)
        if os.path.exists(log):
            os.unlink(log)


def strace_works():
    if not shutil.which("strace"):
        return False
    r = subprocess.run(["strace", "-f", "-o", os.devnull, "-e", "inject=linkat:error=EIO", "true"], capture_output=True)
    return r.returncode == 0


@unittest.skipUnless(strace_works(), "strace is not installed, or may not trace here")
class Fail(unittest.TestCase):
    CALLS = [("openat", "EACCES"), ("write", "ENOSPC"), ("fsync", "EIO"), ("linkat", "EPERM"), ("renameat", "EACCES"),
             ("unlinkat", "EIO"), ("newfstatat", "EIO"), ("fchmod", "EPERM"), ("close", "EIO"), ("vfork", "EAGAIN"),
             ("flock", "EAGAIN"), ("fstat", "EIO")]

    def sweep(self, check, args):
        for call, error in self.CALLS:
            when, more, seen = 1, True, 0
            while more:
                with ProcessPoolExecutor(2) as pool:
                    results = list(pool.map(fail_call, [(args, call, error, when + i, check) for i in range(0, 8 * STRIDE, STRIDE)]))
                for there, problem in results:
                    self.assertIsNone(problem)
                    seen += there
                more = all(there for there, _ in results)
                when += 8 * STRIDE
            if call in ("openat", "write", "fsync", "linkat", "renameat"):
                self.assertGreater(seen, 0, call)

    def test_plain(self):
        self.sweep("plain", ["-iq", "."])

    def test_without_unnamed_files(self):
        """As on a file system that has none: /proc seems to be missing, and each file has a name from the start."""
        for args in ["."], ["--atomic", "."], ["--backup", "."]:
            top = new_tree()
            self.addCleanup(shutil.rmtree, top)
            r = subprocess.run(["strace", "-f", "-qq", "-o", os.devnull, "-e", "inject=?access,?faccessat:error=ENOENT",
                                test_cli.TOOL, "-iq", *args], cwd=top, stdin=subprocess.DEVNULL)
            self.assertEqual(r.returncode, 0)
            self.assertEqual(without_backups(files(top)), FIXED)

    def test_backup(self):
        self.sweep("plain", ["-iq", "--backup", "."])

    def test_atomic(self):
        self.sweep("atomic", ["-iq", "--atomic", "."])

    def test_atomic_with_backup(self):
        self.sweep("atomic", ["-iq", "--atomic", "--backup", "."])


if __name__ == "__main__":
    if not os.access(test_cli.TOOL, os.X_OK):
        print("skip: %s is not built (set ISTIO_FIX)" % test_cli.TOOL)
        sys.exit(77)
    test_cli.TOOL = os.path.abspath(test_cli.TOOL)
    if shared.stride(test_cli.TOOL) > 1:
        STRIDE = 11
    # It cannot work under ptrace.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    with tempfile.TemporaryDirectory() as top:
        try:
            if run(["--version"], top, 0, "run") != (False, 0):
                raise OSError("it does not run to its end")
        except OSError as e:
            print("skip: ptrace does not work here: %s" % e)
            sys.exit(77)
    unittest.main()
