#!/usr/bin/env python3
"""The commands of this project, behind the Makefile.

  python3 tasks.py lab     open the course in JupyterLab; further options go to JupyterLab
  python3 tasks.py demo    show the gradient explorer to a hall; further options go to Voila
  python3 tasks.py site    write site/: the page that needs nothing, and the lessons as pages
  python3 tasks.py test    run every check, or the named ones of: lint unit notebooks browser hub
  python3 tasks.py lint    check the style of code and notebooks; --fix mends what it can
  python3 tasks.py lock    write requirements.txt anew from pyproject.toml; --upgrade raises pins

Only the standard library is used here, and nothing that Python 3.6 cannot read: this file has to
start on a bare machine and say what is missing. Everything else is installed into .venv.
"""

import ctypes
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "set-up.json"  # written last: without it .venv is half-made
LOG = VENV / "set-up.log"
LOCK = ROOT / "requirements.txt"
CLASS_LOCK = ROOT / "deploy" / "requirements.txt"  # a part of it, for deploy/Dockerfile's image
SETTINGS = (ROOT / "jupyter" / "overrides.json", ROOT / "jupyter" / "ipython_kernel_config.py")
SOURCES = (LOCK, ROOT / "pyproject.toml", *SETTINGS)
START = "notebooks/00_start_here.ipynb"

PYTHONS = ((3, 13), (3, 12), (3, 11))
DISK_NEEDED = 4.0e9  # bytes: the installed packages, their downloads and pip's own copies of these
# How Python says that a file could not be written, and numba that it found no folder for its cache.
NOT_WRITTEN = r"^(OSError|PermissionError|NotADirectoryError): \[|cannot cache function"


class Problem(Exception):
    """What went wrong and what to do about it, in a sentence for the person at the keyboard."""


# ---------------------------------------------------------------- Python


def version(number):
    return "{}.{}".format(*number)


def find_python(preferred=None):
    """Return the command of a right Python on the PATH that really runs, or None.

    A command can be there and not run: pyenv's, for one, prints which versions would do.
    """
    candidates = []
    for number in sorted(PYTHONS, key=lambda n: (version(n) == preferred, n), reverse=True):
        for folder in os.get_exec_path():
            path = shutil.which("python" + version(number), path=folder)
            candidates += [(number, [path])] if path else []
        if os.name == "nt" and shutil.which("py"):
            candidates.append((number, ["py", "-" + version(number)]))
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    for number, command in candidates:
        answer = subprocess.run(
            [*command, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if answer.returncode == 0 and answer.stdout.decode().strip() == version(number):
            return command
    return None


def need_right_python():
    """Go on under a right Python, or raise Problem."""
    if sys.version_info[:2] in PYTHONS:
        return
    command = find_python((read_stamp() or {}).get("python"))
    if command:
        become([*command, str(ROOT / "tasks.py"), *sys.argv[1:]])
    how = {
        "win32": "`winget install Python.Python.3.12`, then `py -3.12 tasks.py lab`",
        "darwin": "`brew install python@3.12`",
    }.get(sys.platform, "Debian 12: `sudo apt install python3.11-venv`, Ubuntu 24.04: 3.12")
    found = "{}.{}.{}".format(*sys.version_info[:3])
    raise Problem(
        f"This course needs Python 3.11, 3.12 or 3.13 and found only {found}: install one "
        f"({how}) and run the same command again, or use conda (see README)."
    )


def become(command):
    """Run another program in place of this one."""
    sys.stdout.flush()
    if os.name != "nt":
        os.execvp(command[0], command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows: Ctrl-C is for the program
    sys.exit(subprocess.call(command))


# ---------------------------------------------------------------- set-up


def wanted_stamp():
    packages = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
    python = version(sys.version_info)
    return {"python": python, "project": str(ROOT), "packages": packages, "engine": "prepared"}


def read_stamp():
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def write_stamp(stamp):
    STAMP.write_text(json.dumps(dict(stamp, installed=installed())), encoding="utf-8")


def set_up():
    """Make .venv what the lock says, or raise Problem. Where it is right already, do nothing."""
    wanted = wanted_stamp()
    found = read_stamp() or {}
    lost = set(found.pop("installed", [])) - set(installed())
    if found == wanted and PYTHON.exists() and not lost:
        return
    ours = (VENV / "pyvenv.cfg").exists() or LOG.exists()
    if VENV.exists() and not ours and not (VENV.is_dir() and not any(VENV.iterdir())):
        raise Problem(
            "There is something else in the way at .venv: "
            "move or delete it, then run the same command again."
        )
    right = {name for name in wanted if found.get(name) == wanted[name]}
    fresh = not PYTHON.exists() or "pip" in lost or not right >= {"python", "project"}
    VENV.mkdir(exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        hold(log)
        log.truncate(0)
        if fresh:
            make_venv(log)
        if fresh or lost or "packages" not in right:
            forget_deleted()
            install(log)
            # What is installed stays, should the engine's turn be interrupted.
            write_stamp(dict(wanted, engine="to do"))
        prepare(log)
    write_stamp(wanted)


def hold(log):
    """Let one set-up at a time work in this folder, pip outliving a killed one included."""
    try:
        import fcntl  # not on Windows, where a file in use cannot be deleted anyway
    except ImportError:
        return
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Problem(
            "Another set-up of this folder is still running: "
            "let it finish, then run the same command again."
        ) from None


def make_venv(log):
    """Empty .venv but for the log, which marks it as ours, and make it anew."""
    STAMP.unlink(missing_ok=True)
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != LOG:
            path.unlink()
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Problem(
            f"This Python ({sys.executable}) came without its venv module: on Debian or Ubuntu "
            f"run `sudo apt install python{version(sys.version_info)}-venv`, "
            "then the same command again."
        ) from None
    free = shutil.disk_usage(VENV).free
    if free < DISK_NEEDED:
        raise Problem(
            f"The disk is too full: the course needs {DISK_NEEDED / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB are free. Delete something and run the same command again."
        )
    print("Setting up .venv, once: about 610 MB to fetch, a few minutes.", flush=True)
    # From inside .venv (activated, say) its own Python has just been deleted.
    python = getattr(sys, "_base_executable", sys.executable)
    run_logged([python, "-m", "venv", str(VENV)], log, lambda text: "making .venv")


def site_packages():
    lib = "Lib" if os.name == "nt" else "lib/python" + version(sys.version_info)
    return VENV / lib / "site-packages"


def installed():
    """Return the names of the modules in .venv: one that is missing later was deleted by hand."""
    site = site_packages()
    names = os.listdir(str(site)) if site.exists() else []
    # caches come and go, pip renames what it replaces, and a dist-info is named by its version
    return sorted(n for n in names if not re.search(r"^~|__pycache__$|\.dist-info$", n))


def forget_deleted():
    """Take what was deleted by hand out of pip's books too, so that pip installs it again."""
    there = {"..", "__pycache__", *installed()}
    for record in site_packages().glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines()
        names = {re.split("[/,]", line)[0] for line in lines} - {record.parent.name}
        if names - there:
            shutil.rmtree(record.parent)


def install(log):
    pins = sum(not line.startswith("#") for line in LOCK.read_text("utf-8").splitlines())
    site = site_packages()

    def progress(text):
        if "\nInstalling collected packages" in text:
            STAMP.unlink(missing_ok=True)  # from here on an interruption leaves a mixture
        return describe(text, pins, len(list(site.glob("*.dist-info"))))

    options = ["--no-input", "--progress-bar=off", "--disable-pip-version-check"]
    options += ["--only-binary=:all:"]  # nothing is compiled on a learner's machine
    what = ["-r", str(LOCK), "-e", str(ROOT)]
    spell_path_in_ascii(site)  # an installation interrupted at its very end may have left it
    run_logged([str(PYTHON), "-m", "pip", "install", *options, *what], log, progress)
    spell_path_in_ascii(site)


def spell_path_in_ascii(site):
    """Let Python find the course in a folder of any name.

    The .pth file of an editable installation holds the folder's name in UTF-8. Before 3.13 Python
    reads it as the system writes text, and dies of it under LC_ALL=C and on some Windows.
    """
    for path in site.glob("*.pth"):
        if path.read_bytes().strip() == str(ROOT).encode():
            line = f"import sys; sys.path.append({str(ROOT)!a})\n"
            path.write_text(line, encoding="ascii")


def prepare(log):
    """Compile the training engine into its cache on disk, or raise Problem.

    A cache that cannot be written is no fault of the set-up: the engine works without, only each
    kernel compiles anew.
    """
    command = [str(PYTHON), "-m", "helpers.prepare"]
    say = "Preparing the training engine, once: some 10 s."
    status, text = watch(command, log, lambda text: say)
    if status and not re.search(NOT_WRITTEN, text, re.M):
        raise Problem(explain(text, shutil.disk_usage(VENV).free))
    if status:
        print("It could not be kept on disk, so each kernel will compile it anew.", flush=True)


def describe(text, pins, installed):
    """Say in a few words how far pip is, from what it has printed so far."""
    total = pins - len(re.findall(r"^Ignoring ", text, re.M))
    if "\nInstalling collected packages" in text:
        return f"installing: {min(installed, total)} of {total} packages done"
    names = re.findall(r"^(?:Collecting|Requirement already satisfied:) ([\w.-]+)", text, re.M)
    if not names:
        return "reading the list of packages"
    waiting = " (the network does not answer, trying again)" if stuck(text) else ""
    return f"fetching package {min(len(names), total)} of {total}: {names[-1]}{waiting}"


def stuck(text):
    """Whether the network failed since the last package that pip began with."""
    recent = re.split(r"^(?:Collecting|Obtaining|Requirement already) ", text, flags=re.M)[-1]
    return re.search(
        r"Retrying \(Retry|Max retries|Connection(?:Error|Reset|Refused)|onnection aborted|"
        r"NameResolution|ime(?:d )?out|IncompleteRead|ProxyError|SSLError|CERTIFICATE_VERIFY|"
        r"Could not fetch URL|proxy URL|Failed to parse: ",
        recent,
    )


def explain(text, free):
    """Say in one sentence why a set-up failed, from what it printed and the bytes left on disk."""
    again = "then run the same command again."
    # pip's message may have come too late for the log: next to nothing free is reason enough
    if free < 100e6 or re.search(r"No space left|Errno 28\b|WinError 112\b", text):
        return f"The disk is full: free {DISK_NEEDED / 1e9:.1f} GB, {again}"
    if stuck(text):
        return (
            "The packages could not be fetched: check the network (a proxy, a login page), " + again
        )
    missing = re.search(r"No matching distribution found for (\S+)", text)
    if missing:
        machine = f"{platform.system()} {platform.machine()}, Python {version(sys.version_info)}"
        return (
            f"There is no {missing.group(1)} for this machine ({machine}): the course runs on "
            "64-bit Linux, 64-bit Windows and Macs with Apple silicon, and elsewhere in the "
            "browser with Binder (see README)."
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no output"]
    errors = [line for line in lines if re.match(r"(ERROR|error|[\w.]*Error)\b", line)]
    first = (errors or lines[-1:])[0].rstrip(".")
    return f"The set-up stopped with '{first}': the whole log is in {LOG.relative_to(ROOT)}."


def run_logged(command, log, progress):
    """Run a command as watch does, or raise Problem."""
    status, text = watch(command, log, progress)
    if status:
        raise Problem(explain(text, shutil.disk_usage(VENV).free))


def watch(command, log, progress):
    """Run a command into the log while one line on the screen says how far it is.

    Return its status and what it printed.
    """
    start = time.monotonic()
    shown = -60.0
    screen = sys.stdout.isatty()
    begin = LOG.stat().st_size  # what stands before is another command's
    temporary = VENV / "tmp"  # /tmp may be small; this disk was found to have room
    temporary.mkdir(exist_ok=True)
    env = dict(os.environ, TMPDIR=str(temporary), PYTHONUNBUFFERED="1")
    env.setdefault("PIP_RETRIES", "3")
    with subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env) as process:
        try:
            while process.poll() is None:
                time.sleep(0.2)
                elapsed = time.monotonic() - start
                text = progress(read_log(begin))
                if screen or elapsed - shown > 15:
                    shown = elapsed
                    line = f"  {elapsed:4.0f} s  {text}"
                    line = "\r" + line[:78].ljust(78) if screen else line + "\n"
                    print(line, end="", flush=True)
        finally:
            process.terminate()  # nothing happens if it has ended
            process.wait()
            text = read_log(begin)
            progress(text)  # its last lines, too, count
            if screen:
                print()
    shutil.rmtree(temporary, ignore_errors=True)
    return process.returncode, text


def read_log(begin):
    """Return what the log holds from that byte on."""
    with LOG.open(encoding="utf-8", errors="replace") as log:
        log.seek(begin)
        return log.read()


# ---------------------------------------------------------------- lab


def need_home():
    """Give the programs a folder for their settings where HOME is empty or cannot be written."""
    if os.name == "nt":
        return
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)  # the system knows it, too; an empty one is the folder `~`
    try:
        with tempfile.TemporaryDirectory(dir=os.path.expanduser("~")):
            pass
    except OSError:
        (VENV / "home").mkdir(exist_ok=True)
        os.environ["HOME"] = str(VENV / "home")


def lab(options):
    set_up()
    need_home()
    # A process of its own: JupyterLab is installed in .venv, not necessarily here.
    become([str(PYTHON), str(ROOT / "tasks.py"), "serve", *options])


def demo(options):
    """Serve notebooks/live_demo.ipynb as a page; it fetches nothing from a network."""
    set_up()
    need_home()
    become([str(PYTHON), str(ROOT / "jupyter" / "demo.py"), *options])


def site(options):
    """Build the lessons as pages, then the page that leads to them; return the exit status."""
    set_up()
    lessons = [str(PYTHON), str(ROOT / "docs" / "site" / "build_site.py")]
    page = [str(PYTHON), "-m", "page.build", str(ROOT / "site"), "--lessons", "lessons/index.html"]
    return subprocess.run(lessons).returncode or subprocess.run(page, cwd=str(ROOT)).returncode


def serve(options):
    """Run JupyterLab in this process, which is .venv's Python, until Ctrl-C."""
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # .venv's kernel, not one of the same name at home
    try:
        from jupyterlab.labapp import LabApp
    except ValueError as error:  # it takes the addresses of proxies apart as it is loaded
        raise Problem(
            f"JupyterLab stopped with '{error}': correct or delete the variables http_proxy and "
            "https_proxy, then run the same command again."
        ) from None

    course = {
        "ServerApp.root_dir": ROOT,
        "ServerApp.port_retries": 50,
        "ServerApp.allow_root": True,
        "ServerApp.log_level": "ERROR",
        "LabApp.log_level": "ERROR",
        "LabApp.default_url": "/lab/tree/" + START,
        # The bridge to the classic notebook's extensions reads every trait of the server, the
        # outdated ones too, and each start would print the warning that one of these gives.
        "ServerApp.jpserver_extensions": "{'notebook_shim': False}",
    }
    given = {option.lstrip("-").split("=")[0] for option in options}
    if given & {"ip", "ServerApp.ip"}:
        raise Problem("The course is served to this machine only: leave the option for the IP out.")
    course = [f"--{name}={value}" for name, value in course.items() if name not in given]
    # Handed over inside this process, the token is in no process list; and it overrules a
    # configuration at home that turned it off.
    token = secrets.token_hex(24)
    always = ["--ServerApp.ip=127.0.0.1", "--ServerApp.answer_yes=True"]
    always += [f"--{prefix}IdentityProvider.token={token}" for prefix in ("", "Password")]
    server = LabApp.initialize_server(argv=[*course, *options, *always])

    def announce():
        page = server.connection_url.rstrip("/") + server.default_url
        print(f"The course is at {page}?token={token} (Ctrl-C stops it)", flush=True)

    server.io_loop.add_callback(announce)  # runs once the port listens
    server.start()


# ---------------------------------------------------------------- test, lint

PYTEST = [str(PYTHON), "-m", "pytest"]
NBVAL = ["--nbval-lax", "--nbval-current-env", "--dist", "loadscope"]
STEPS = {
    "unit": [*PYTEST, "tests", "--ignore", "tests/browser", "--ignore", "tests/hub", "-n", "2"],
    "notebooks": [*PYTEST, *NBVAL, "notebooks", "-n", "2"],
    "browser": [*PYTEST, "tests/browser"],
}
if os.name != "nt":  # JupyterHub doesn't run on Windows
    STEPS["hub"] = [*PYTEST, "tests/hub"]
# In notebooks under nbval an explorer trains within its cell, where a failure can be seen; and one
# thread for matrix products, since several notebooks share the processors.
IN_STEP = {"notebooks": {"COURSE_SYNCHRONOUS": "1", "OPENBLAS_NUM_THREADS": "1"}}


def test(names):
    """Run the steps, all of them whatever fails, and close with a table of how each went."""
    names = names or ["lint", *STEPS]
    unknown = [name for name in names if name not in ("lint", *STEPS)]
    if unknown:
        raise Problem(f"There is no step {unknown[0]!r}: choose from lint, {', '.join(STEPS)}.")
    if "browser" in names or "hub" in names:
        need_browser()
        os.environ["CHROMIUM"] = find_chromium()
    set_up()
    table = []
    for name in names:
        print(f"\n==== {name}", flush=True)
        start = time.monotonic()
        complaint = lint([]) if name == "lint" else run_pytest(STEPS[name], IN_STEP.get(name, {}))
        table.append((name, time.monotonic() - start, complaint))
    print("\n==== in all")
    for name, seconds, complaint in table:
        print(f"{name:10} {seconds:5.0f} s  {'FAILED: ' + complaint if complaint else 'passed'}")
    return 1 if any(complaint for _, _, complaint in table) else 0


def run_pytest(command, environment=None):
    """Run pytest and return what is wrong with the result, if anything: a skip is, too."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        status = subprocess.run(
            [*command, f"--junitxml={report}"], env={**os.environ, **(environment or {})}
        ).returncode
        if status == 5 or not report.exists():
            return "no tests were found" if status == 5 else f"pytest ended with status {status}"
        suites = list(ElementTree.parse(report).getroot())
    count = {
        word: sum(int(suite.get(word)) for suite in suites)
        for word in ("tests", "failures", "errors", "skipped")
    }
    bad = [f"{count[word]} {word}" for word in ("failures", "errors", "skipped") if count[word]]
    if bad:
        return f"{', '.join(bad)} of {count['tests']} tests"
    return f"pytest ended with status {status}" if status else ""


def find_chromium():
    """Return the path of a Chromium that Playwright can drive, or None."""
    if os.environ.get("CHROMIUM"):
        if not Path(os.environ["CHROMIUM"]).is_file():
            raise Problem(f"$CHROMIUM names no file: {os.environ['CHROMIUM']}")
        return os.environ["CHROMIUM"]
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        path = shutil.which(name)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # Ubuntu's chromium-browser may be a script that only says where to get one.
        if path and subprocess.run([path, "--version"], **quiet).returncode == 0:
            return path
    apps = ["Chromium", "Google Chrome", "Microsoft Edge"]
    paths = [f"/Applications/{app}.app/Contents/MacOS/{app}" for app in apps]
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        folder = os.environ.get(variable, "")
        paths += [f"{folder}/Google/Chrome/Application/chrome.exe"]
        paths += [f"{folder}/Microsoft/Edge/Application/msedge.exe"]
    return next((path for path in paths if Path(path).is_file()), None)


def missing_for_browser():
    """Return the Debian packages that the browser tests would need, or an empty list."""
    missing = [] if find_chromium() else ["chromium", "fonts-liberation"]
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libatomic.so.1")  # the Node.js inside Playwright loads it
        except OSError:
            missing.append("libatomic1")
    return missing


def need_browser():
    """Make sure that the browser tests can run, by apt-get when this is root, or raise Problem."""
    missing = missing_for_browser()
    if missing and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing for the browser tests: " + ", ".join(missing), flush=True)
        quiet = {"env": dict(os.environ, DEBIAN_FRONTEND="noninteractive")}
        quiet["stdout"] = subprocess.DEVNULL
        subprocess.run(["apt-get", "-qq", "update"], **quiet)
        install = ["apt-get", "-qq", "-y", "install", "--no-install-recommends"]
        subprocess.run([*install, *missing], **quiet)
        missing = missing_for_browser()
    if missing:
        raise Problem(
            f"The browser tests lack {' and '.join(missing)}: on Debian "
            f"`sudo apt install {' '.join(missing)}`, elsewhere install Chromium, Chrome or Edge, "
            "or name its program in $CHROMIUM."
        )


# What the code host reads, by the name that check-jsonschema has for its form.
FORMS = {
    "github-workflows": ".github/workflows/*.yml",
    "github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "citation-file-format": "CITATION.cff",
}


def lint(options):
    """Check code and notebooks, or with --fix mend them; return what is wrong, if anything."""
    set_up()
    fix = options == ["--fix"]
    ruff = [str(PYTHON), "-m", "ruff"]
    commands = {
        "ruff check": [*ruff, "check", "--quiet", *(["--fix"] if fix else [])],
        "ruff format": [*ruff, "format", "--quiet", *([] if fix else ["--diff"])],
    }
    bad = [name for name, command in commands.items() if subprocess.run(command).returncode]
    form = [str(PYTHON), "-m", "check_jsonschema", "--default-filetype", "yaml"]
    for name, pattern in FORMS.items():
        command = [*form, "--builtin-schema", "vendor." + name, *map(str, ROOT.glob(pattern))]
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode:  # otherwise it only says that it is through
            print(run.stdout.decode(errors="replace"))
            bad.append(pattern)
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if fix:
        strip(notebooks)
        return ", ".join(bad)
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(shutil.copy(str(path), folder)) for path in notebooks]
        strip(copies)
        for path, copy in zip(notebooks, copies, strict=True):
            if path.read_bytes() != copy.read_bytes():
                print(f"{path.relative_to(ROOT)}: holds what a run left in it")
                bad.append(path.name)
    if bad:
        print("`python3 tasks.py lint --fix` mends most of this.")
    return ", ".join(bad)


def strip(notebooks):
    """Take out of notebooks what differs from run to run, so that `git diff` shows real changes.

    A cell tagged keep_output keeps its output, which nbval compares, and has the count that a
    run from top to bottom gives it, without which nbval refuses the output. No other has either.
    """
    flags = ["--keep-count", "--keep-id", "--unix-newlines"]
    flags += ["--extra-keys", "metadata.language_info.version"]
    if notebooks:
        subprocess.run([str(PYTHON), "-m", "nbstripout", *flags, *map(str, notebooks)], check=True)
    for path in notebooks:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for count, cell in enumerate(code, start=1):
            cell["execution_count"] = count if cell["outputs"] else None
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        path.write_text(text, encoding="utf-8", newline="\n")


# ---------------------------------------------------------------- lock


def lock(options):
    """Pin every package for every system with uv, keeping the pins that still fit."""
    what = {
        LOCK: (
            ("test", "site"),
            "Every package that `make lab` installs, pinned, for Linux, macOS and Windows.",
        ),
        CLASS_LOCK: (
            ("class",),
            "What deploy/Dockerfile installs: requirements.txt without the test tools.",
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / PYTHON.relative_to(VENV)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "uv"], check=True)
        for path, (extras, said) in what.items():
            pins = Path(folder) / "requirements.txt"
            shutil.copy(LOCK, pins)  # the class gets what the tests ran with
            flags = ["--quiet", "--universal", "--python-version", version(PYTHONS[-1])]
            for extra in extras:
                flags += ["--extra", extra]
            flags += ["--no-emit-index-url", "--no-emit-find-links"]
            flags += ["--no-header", "--no-annotate", "--output-file", str(pins)]
            flags += options if path == LOCK else []
            command = [str(python), "-m", "uv", "pip", "compile", "pyproject.toml", *flags]
            subprocess.run(command, check=True)
            header = [f"# {said}", "# Generated from pyproject.toml by `make lock`: do not edit."]
            text = pins.read_text(encoding="utf-8")
            path.write_text("\n".join([*header, text]), encoding="utf-8", newline="\n")


def main(arguments):
    tasks = {"lab": lab, "demo": demo, "site": site, "serve": serve}
    tasks.update({"test": test, "lint": lint, "lock": lock})
    if not arguments or arguments[0] not in tasks:
        print(__doc__)
        return 0 if not arguments else 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background job ignores it
    for name in ("SIGTERM", "SIGHUP"):  # a closed window is no reason to leave pip running
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))
    try:
        os.chdir(str(ROOT))
        need_right_python()
        return 1 if tasks[arguments[0]](arguments[1:]) else 0
    except Problem as problem:
        print(problem, file=sys.stderr)
    except OSError as error:
        print(f"Stopped: {error.strerror or error}: {error.filename}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command can be run again.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
