"""Where the shared folder is, and the few things all tests here need."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def find():
    """ISTIO_FIX_SHARED, else ../shared beside the repository; None if absent."""
    p = os.environ.get("ISTIO_FIX_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
    return p if os.path.isdir(p) else None


def skip(why):
    print("skip: " + why)
    sys.exit(77)


def need(*parts):
    """A path in the shared folder, or skip the test."""
    root = find()
    if not root:
        skip("no shared folder (set ISTIO_FIX_SHARED, or have ../shared beside the repository)")
    p = os.path.join(root, *parts)
    if not os.path.exists(p):
        skip("%s is absent" % p)
    return p


def tool():
    """The program under test: ISTIO_FIX, else the release build. Skips if there is none."""
    p = os.environ.get("ISTIO_FIX") or os.path.join(ROOT, "build", "release", "istio-fix")
    if not os.access(p, os.X_OK):
        if os.environ.get("ISTIO_FIX"):
            sys.exit("ISTIO_FIX=%s is not a program" % p)
        skip("%s is not built (set ISTIO_FIX)" % p)
    return os.path.abspath(p)


def run(args, timeout=20, **kw):
    """subprocess.run with captured bytes. A hang is a result (returncode None)."""
    try:
        return subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, **kw)
    except subprocess.TimeoutExpired as e:
        return subprocess.CompletedProcess(args, None, e.stdout or b"", e.stderr or b"")


def files(root):
    """{path below root: bytes} of every file of a tree."""
    out = {}
    for d, _, names in os.walk(root):
        for name in names:
            p = os.path.join(d, name)
            with open(p, "rb") as f:
                out[os.path.relpath(p, root)] = f.read()
    return out


def need_yaml():
    """PyYAML, or the same script under a Python that has it, or skip."""
    try:
        import yaml  # noqa: F401
    except ImportError:
        if sys.executable != "/usr/bin/python3" and "ISTIO_FIX_PYTHON" not in os.environ:
            os.environ["ISTIO_FIX_PYTHON"] = "1"
            if subprocess.run(["/usr/bin/python3", "-c", "import yaml"], stderr=subprocess.DEVNULL).returncode == 0:
                os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
        skip("PyYAML is missing (Debian: python3-yaml)")


def stride(tool):
    """Every how manieth of many alike cases is enough: a program with sanitizers takes long to start."""
    with open(tool, "rb") as f:
        return 7 if b"__asan_init" in f.read() else 1
