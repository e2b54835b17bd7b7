#!/usr/bin/env python3
"""Makes the project's environment in .venv, then runs what was asked.

Standard library only. Every Python 3 since 3.6 can read this file, so that one that is too old gets a sentence instead
of a SyntaxError. Whatever stops the set-up ends in one line on standard error and status 2.
"""

import ast
import contextlib
import glob
import hashlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

NEEDED = (3, 11)
ROOT = os.path.dirname(os.path.realpath(__file__))
LOCK = os.path.join(ROOT, "requirements.lock")
SPARK_LOCK = os.path.join(ROOT, "requirements-spark.lock")
VENV = os.path.join(ROOT, ".venv")
BIN = os.path.join(VENV, "Scripts" if os.name == "nt" else "bin")
PYTHON = os.path.join(BIN, "python")
STAMP = os.path.join(VENV, "made.json")  # written last: a .venv without it is half made
LOG = os.path.join(VENV, "setup.log")

NO_NETWORK = re.compile(
    r"connection broken|Max retries exceeded|NewConnectionError|name resolution|getaddrinfo|Network is unreachable"
    r"|Connection refused|timed out|ProxyError|error sending request|dns error",
    re.IGNORECASE,
)
RELOADING = """\
c.InteractiveShellApp.extensions = ["autoreload"]
c.InteractiveShellApp.exec_lines = ["%autoreload 2"]
"""
NOTEBOOK_KEYS = ["--keep-id", "--extra-keys", "metadata.papermill cell.metadata.papermill"]


# ---- the environment -------------------------------------------------------------------------------------------------


def stop(message):
    sys.stderr.write("dev.py: %s\n" % " ".join(message.split()))
    raise SystemExit(2)


def check_python(command):
    if sys.version_info[:2] >= NEEDED:
        return
    message = "Python %d.%d or newer is needed, this is %d.%d. " % (NEEDED + tuple(sys.version_info[:2]))
    retry = "{0} dev.py {1} (or: make {1} PYTHON={0})"
    for minor in range(NEEDED[1] + 9, NEEDED[1] - 1, -1):
        newer = "python3.%d" % minor
        # Found is not enough: a version manager's shim may stand for a Python that is switched off.
        if shutil.which(newer) and subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            stop(message + "There is one on this machine: " + retry.format(newer, command))
    stop(message + "Install one, then: " + retry.format("python3.%d" % NEEDED[1], command))


def ensure_environment():
    """Make .venv hold exactly what requirements.lock says; do nothing where it does."""
    with open(__file__) as turn:
        with contextlib.suppress(ImportError, OSError):  # no such lock: two set-ups at once are the user's affair
            import fcntl

            # Inherited by pip and uv: what an interrupted set-up leaves running still holds its turn.
            os.set_inheritable(turn.fileno(), True)
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Waiting for another set-up of .venv ...", flush=True)
                fcntl.flock(turn, fcntl.LOCK_EX)
        made = read_stamp()
        wanted = describe_environment()
        if made == wanted:
            return
        started = time.time()
        usable = all(made.get(key) == wanted[key] for key in ("python", "folder"))
        print("Bringing .venv up to date ..." if usable else "Making .venv, once: a minute or two ...", flush=True)
        if usable:
            os.remove(STAMP)
        else:
            create_venv()
        if not usable or made["lock"] != wanted["lock"]:
            install_lock()
        install_project()
        with open(STAMP, "w") as stamp:
            json.dump(describe_environment(), stamp, indent=1)
        print("Done in %.0f s." % (time.time() - started), flush=True)


def read_stamp():
    try:
        with open(STAMP) as stamp:
            return json.load(stamp)
    except (OSError, ValueError):
        return {}


def describe_environment():
    """What .venv depends on: its Python, its folder (scripts name it), the lock, the project's metadata."""
    try:
        version = subprocess.check_output([PYTHON, "-c", "import sys; print(sys.version)"], stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        version = b""
    return {
        "python": version.decode().strip(),
        "folder": VENV,
        "lock": hash_file(LOCK),
        "project": hash_file(os.path.join(ROOT, "pyproject.toml")),
    }


def hash_file(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def create_venv():
    try:
        import ensurepip  # noqa: F401  (Debian takes this one out of venv)
        import venv  # noqa: F401
    except ImportError:
        stop("this Python cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv")
    if os.path.lexists(VENV):
        shutil.rmtree(VENV)
    os.mkdir(VENV)
    # Not sys.executable: that may be the one in the .venv just removed.
    base = getattr(sys, "_base_executable", None) or sys.executable
    code, output = run_logged([base, "-m", "venv", VENV])
    if code:
        stop("python -m venv failed: %s (all of it: %s)" % (find_reason(output), LOG))


def install_lock():
    """Install the locked packages with uv, which comes out of the lock itself; where that fails with pip alone."""
    with open(LOCK) as lock:
        pin = re.search(r"^uv==.*(\n +--hash=.*)+", lock.read(), re.MULTILINE)
    alone = os.path.join(VENV, "uv.txt")
    with open(alone, "w") as file:
        file.write(pin.group() if pin else "uv")
    pip = [PYTHON, "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check", "--requirement"]
    code, output = run_logged([*pip, alone])
    if code and NO_NETWORK.search(output):
        stop_without_network()
    settings = translate_settings()
    if not code and settings is not None:
        sync = ["uv", "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", PYTHON, LOCK]
        code, output = run_logged([PYTHON, "-m", *sync], env=settings)
        if not code:
            return
    code, output = run_logged([*pip, LOCK])
    if code and NO_NETWORK.search(output):
        stop_without_network()
    if code:
        stop("the locked packages do not install: %s (all of it: %s)" % (find_reason(output), LOG))


def install_spark():
    """Install PySpark too, where there is a Java to run it: 450 MB that only the real tests need."""
    if shutil.which("java") is None:
        print("No java: the tests on Spark are skipped.", flush=True)
        return
    with open(SPARK_LOCK) as lock:
        version = re.search(r"^pyspark==([\w.]+)", lock.read(), re.MULTILINE).group(1)
    if glob.glob(os.path.join(VENV, "lib", "python*", "site-packages", "pyspark-%s.dist-info" % version)):
        return
    print("Installing PySpark %s ..." % version, flush=True)
    pip = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "--disable-pip-version-check",
        "--requirement",
        SPARK_LOCK,
    ]
    code, output = run_logged(pip)
    if code:
        stop("PySpark does not install: %s (all of it: %s)" % (find_reason(output), LOG))


def install_project():
    """Install kam itself, to be edited in place; the packages are there, so no network is asked."""
    pip = [PYTHON, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT]
    code, output = run_logged([*pip, "--disable-pip-version-check"])
    if code:
        stop("the project itself does not install: %s (all of it: %s)" % (find_reason(output), LOG))


def translate_settings():
    """The environment for uv, which does not read pip's configuration; None where only pip itself can follow it."""
    listed = subprocess.run([PYTHON, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, universal_newlines=True)
    pip = {}
    for section in ("global", "install", ":env:"):  # each overrides the one before
        for name, value in re.findall("^%s\\.([a-z-]+)=(.*)$" % section, listed.stdout, re.MULTILINE):
            pip[name] = ast.literal_eval(value)
    if pip.get("no-index", "0").lower() not in ("0", "no", "off", "false", ""):
        return None
    known = {
        "UV_DEFAULT_INDEX": pip.get("index-url"),
        "UV_INSECURE_HOST": pip.get("trusted-host"),
        "SSL_CERT_FILE": pip.get("cert"),
        "HTTPS_PROXY": pip.get("proxy"),
        "HTTP_PROXY": pip.get("proxy"),
    }
    return dict({name: value for name, value in known.items() if value}, **os.environ)


def run_logged(command, env=None):
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=ROOT, env=env, close_fds=False, **pipes)
    output = done.stdout.decode(errors="replace")
    with open(LOG, "a", encoding="utf-8") as log:
        log.write("$ %s\n%s\n" % (" ".join(command), output))
    return done.returncode, output


def find_reason(output):
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"error\b(?!.*exception:$)", line, re.IGNORECASE)]
    return (errors or lines or ["no output"])[-1]


def stop_without_network():
    stop(
        "the package index cannot be reached. Connect to the network, or tell pip which index or proxy to use "
        "(PIP_INDEX_URL, PIP_PROXY or pip.conf), then run the same again (details: %s)" % LOG
    )


# ---- the commands ----------------------------------------------------------------------------------------------------


def run(program, *arguments, settings=None):
    """Run a program of the environment in the project's folder; return its status."""
    env = dict(settings or os.environ, VIRTUAL_ENV=VENV)
    env["PATH"] = BIN + os.pathsep + env.get("PATH", "")
    sys.stdout.flush()
    process = subprocess.Popen([os.path.join(BIN, program), *arguments], cwd=ROOT, env=env)
    while True:
        # Control-C reaches the program too: it ends in its own way, and is waited for.
        with contextlib.suppress(KeyboardInterrupt):
            return process.wait()


def run_each(*commands):
    """Run all, also after a failure; name those that failed."""
    failed = []
    for command in commands:
        print("== %s" % " ".join(command[:2]), flush=True)
        if run(*command):
            failed.append(" ".join(command[:2]))
    if failed:
        print("dev.py: failed: %s" % ", ".join(failed), flush=True)
    return 1 if failed else 0


def list_notebooks(*folders):
    found = [glob.glob(os.path.join(ROOT, folder, "**", "*.ipynb"), recursive=True) for folder in folders]
    return sorted(os.path.relpath(path, ROOT) for paths in found for path in paths if ".ipynb_checkpoints" not in path)


def report():
    """run every notebook on the sample company; kam says where the reports are"""
    plan = os.path.join("plans", "monthly.yaml")
    return run("kam", "run", plan, "-p", "dataset=sample", "--out", os.path.join(ROOT, "reports"))


def test(*arguments):
    """the tests that need no system service (what follows goes to pytest)"""
    options = ["--ignore=tests/real", "-n2", "--dist=worksteal", *arguments]
    memory = "/dev/shm"
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 4e9:
        return run("pytest", *options)
    # DuckDB waits for the disk nine times per ledger: kam's temporary files lie in memory, pytest's on the disk.
    with tempfile.TemporaryDirectory(prefix="kt-", dir=memory) as folder:
        settings = dict(os.environ, TMPDIR=folder)
        settings.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
        return run("pytest", *options, settings=settings)


def test_real(*arguments):
    """the tests that need a browser, a network, real data (what follows goes to pytest)"""
    install_spark()
    return run("pytest", "--override-ini=testpaths=tests/real", "-n2", "--dist=loadfile", *arguments)


def fuzz(*arguments):
    """damaged files for every reader, twenty minutes long (ARGS="5 plans": minutes, kinds)"""
    return run("python", "-m", "tests.fuzz", *arguments)


def soak(*arguments):
    """every fault three times, 40 random kills, 200 runs in a row: an hour (other numbers: ARGS="10 100 500")"""
    return run("python", "-m", "tests.faults", *arguments)


def bench(*arguments):
    """how honest and how fast kam is, beside its peers: an hour for all; one with ARGS=name"""
    if arguments:
        return run("python", "-m", "benchmarks." + arguments[0], *arguments[1:])
    files = sorted(glob.glob(os.path.join(ROOT, "benchmarks", "*.py")))
    return run_each(*(["python", "-m", "benchmarks." + os.path.basename(path)[:-3]] for path in files))


def check():
    """ruff, mypy, the layers, notebooks stored without outputs"""
    commands = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["lint-imports", "--no-logo"]]
    notebooks = list_notebooks("notebooks", "tests")
    if notebooks:
        commands.append(["nbstripout", "--verify", *NOTEBOOK_KEYS, *notebooks])
    return run_each(*commands)


def fix():
    """what check can mend by itself"""
    commands = [["ruff", "check", "--fix", "."], ["ruff", "format", "."]]
    notebooks = list_notebooks("notebooks", "tests")
    if notebooks:
        commands.append(["nbstripout", *NOTEBOOK_KEYS, *notebooks])
    return run_each(*commands)


def docs():
    """the manual, offline and strictly, into build/manual: two minutes, most of them for the figures of the gallery"""
    settings = dict(os.environ, NO_MKDOCS_2_WARNING="1")  # of the theme, about what it does not use
    # Not --quiet: warnings that are not logged are not counted, and the build would not be strict.
    code = run("python", os.path.join("docs", "gallery.py")) or run(
        "python", "-m", "mkdocs", "build", settings=settings
    )
    if not code:
        print("The manual: %s" % os.path.join(ROOT, "build", "manual", "index.html"), flush=True)
    return code


def lab(*arguments):
    """JupyterLab in the project's environment (what follows goes to it); changes to kam count without a restart"""
    profile = os.path.join(VENV, "lab", "profile_default")
    os.makedirs(profile, exist_ok=True)
    with open(os.path.join(profile, "ipython_kernel_config.py"), "w", encoding="utf-8") as file:
        file.write(RELOADING)
    settings = dict(os.environ, IPYTHONDIR=os.path.dirname(profile))
    here = ["--ServerApp.root_dir=" + ROOT, "--LabApp.default_url=/lab/tree/notebooks"]
    return run("jupyter-lab", *here, *arguments, settings=settings)


def lock(*arguments):
    """both lock files and environment.yml anew from pyproject.toml (--upgrade: to the newest versions)"""
    compiling = ["pip", "compile", "pyproject.toml", "--generate-hashes", "--universal"]
    compiling += ["--python-version", "%d.%d" % NEEDED]  # the oldest, not the one that uv runs on
    compiling += ["--no-emit-index-url", "--custom-compile-command", "python3 dev.py lock", "--quiet", *arguments]
    settings = translate_settings()
    extras = ["--extra", "dev", "--extra", "docs", "--extra", "scheduler", "--extra", "postgres"]
    # What Spark needs beside them, in the versions of the first.
    spark = ["--extra", "spark", "--constraint", "requirements.lock"]
    return (
        run("uv", *compiling, *extras, "--output-file", "requirements.lock", settings=settings)
        or run("uv", *compiling, *spark, "--output-file", "requirements-spark.lock", settings=settings)
        or run("pyproject2conda", "project", "--envs", "environment")
    )


def show_help():
    """this list"""
    print("python3 dev.py COMMAND, or make COMMAND:\n")
    for name, function in COMMANDS.items():
        print("  %-10s %s" % (name, function.__doc__))
    return 0


COMMANDS = {
    "report": report,
    "test": test,
    "test-real": test_real,
    "fuzz": fuzz,
    "soak": soak,
    "check": check,
    "fix": fix,
    "bench": bench,
    "docs": docs,
    "lab": lab,
    "lock": lock,
    "help": show_help,
}


def main(name="help", *arguments):
    if name not in COMMANDS:
        stop("there is no command %s; python3 dev.py help lists them" % name)
    command = COMMANDS[name]
    if arguments and not command.__code__.co_flags & inspect.CO_VARARGS:
        stop("%s takes no arguments" % name)
    try:
        if name != "help":
            check_python(name)
            ensure_environment()
        return command(*arguments)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        stop(str(error))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
