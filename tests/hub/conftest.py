"""A real JupyterHub on this machine, for a class of four and a teacher."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from installation import DEPLOY, install
from learner import CLASS, PASSWORD, TEACHERS, Learner

HERE = Path(__file__).parent
# axe-core and the flags of Chromium are those of the browser tests
sys.path.append(str(HERE.parent / "browser"))
FIRST_PORT = 8710


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The read-only installation: its folder and the environment of a learner's server."""
    folder = tmp_path_factory.mktemp("srv")
    yield SimpleNamespace(folder=folder, environment=install(folder))
    # pytest deletes old folders of its own, and can't without write bits
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


def free_ports(number):
    ports = []
    for port in range(FIRST_PORT, FIRST_PORT + 500):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == number:
            return ports
    raise AssertionError("no free ports")


@pytest.fixture(scope="session")
def hub(installed, tmp_path_factory):
    """The hub of deploy/jupyterhub_config.py: its address, and where the homes are."""
    folder = tmp_path_factory.mktemp("hub")
    homes = folder / "homes"
    homes.mkdir()
    # another project's settings of Keras, at home
    for name in CLASS:
        (homes / name / ".keras").mkdir(parents=True)
        foreign = {"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}
        (homes / name / ".keras/keras.json").write_text(json.dumps(foreign))
    ports = free_ports(4)
    address = f"http://127.0.0.1:{ports[0]}"
    settings = {
        "config": str(DEPLOY / "jupyterhub_config.py"),
        "homes": str(homes),
        "starter": str(DEPLOY / "course-singleuser"),
        "environment": installed.environment,
        "ports": ports,
    }
    env = {
        **os.environ,
        "HUB_SETTINGS": json.dumps(settings),
        "CLASS_PASSWORD": PASSWORD,
        "TEACHER_PASSWORD": TEACHERS,
        "COURSE_HALL": address,
    }
    for name in ("PYTHONPATH", "KERAS_BACKEND", "KERAS_HOME", "XDG_CACHE_HOME"):
        env.pop(name, None)
    log = folder / "hub.log"
    command = [sys.executable, "-m", "jupyterhub", f"--config={HERE / 'hub_config.py'}"]
    with log.open("w") as output:
        # a group of its own: the hub's children end with it
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for(f"{address}/hub/health", process, log)
        yield SimpleNamespace(address=address, homes=homes, log=log, process=process)
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            end_group(process.pid)


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_for(url, process, log, patience=60):
    deadline = time.monotonic() + patience
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        # the proxy is there before the hub, and says 404 until then
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(url, timeout=5, proxies={"http": ""}).ok:
                return
        time.sleep(0.3)


@pytest.fixture(scope="session")
def learners(hub):
    """Four learners, logged in, each with a server."""
    found = [Learner(hub.address, name, PASSWORD) for name in CLASS]
    # all at once, as a class does; the hub holds them up no longer than it must
    for one in found:
        one.start_server()
    return found


@pytest.fixture(scope="session")
def teacher(hub):
    return Learner(hub.address, "teacher", TEACHERS)
