"""The course as deploy/Dockerfile installs it, without Docker: a copy that learners can't write to.

The image's steps that concern the course are taken here, from the same files: the wheel, the
notebooks, the compiled engine, the settings of the server. The packages that it stands on aren't
installed again but shared with the tests' own environment.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import tasks

ROOT = tasks.ROOT
DEPLOY = ROOT / "deploy"
STARTER = """#!{python}
import sys
from jupyterhub.singleuser import main
sys.exit(main())
"""


def image_environment():
    """Return what the Dockerfile's ENV lines set, with its ARG filled in for this machine."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    cpu = re.search(r"^ARG CPU=(\S+)", text, re.M).group(1)
    cpu = cpu if platform.machine() in ("x86_64", "AMD64") else "generic"
    found = {}
    for line in re.findall(r"^ENV (.+)", text, re.M):
        found.update(pair.split("=", 1) for pair in line.replace("$CPU", cpu).split())
    return found


def install(folder):
    """Install into a folder, take its write bits away, and return the learners' environment."""
    env = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
    site = next(env.glob("lib/python*/site-packages"))
    # a path that such a file adds isn't searched for further such files: so the course, which the
    # tests' environment holds as a link, is not found in this way
    (site / "shared.pth").write_text(sysconfig.get_path("purelib"))
    # JupyterLab's pages, which it serves from no link; not what the course's own wheel brings
    ours = shutil.ignore_patterns("voila", "settings")
    for name in ("share/jupyter", "etc/jupyter"):
        shutil.copytree(Path(sys.prefix, name), env / name, ignore=ours)
    source = folder / "source"
    for name in ("helpers", "jupyter"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--python", str(env / "bin/python")]
    # what builds a wheel is at hand, so nothing is fetched
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "install", *quiet, str(source)], check=True)
    shutil.rmtree(source)

    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(DEPLOY / "jupyter_server_config.json", env / "etc/jupyter")
    starter = env / "bin/jupyterhub-singleuser"
    starter.write_text(STARTER.format(python=env / "bin/python"))
    starter.chmod(0o755)
    environment = {
        **image_environment(),
        "COURSE_NOTEBOOKS": str(folder / "notebooks"),
        "COURSE_COMPILED": str(folder / "compiled"),
        "PATH": os.pathsep.join([str(env / "bin"), os.environ["PATH"]]),
    }
    warm = {**os.environ, **environment, "NUMBA_CACHE_DIR": environment["COURSE_COMPILED"]}
    warm.pop("PYTHONPATH", None)
    command = [str(env / "bin/python"), "-P", "-m", "helpers.prepare"]
    subprocess.run(command, check=True, cwd=folder, env=warm)
    subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)
    return environment
