"""A real JupyterLab with a real kernel, and a Chromium to drive it; the driving is in driver.py."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import playwright.sync_api
import pytest

import tasks

SCREENSHOTS = Path(__file__).parent / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab as `make lab` starts it: default settings, a copy of the notebooks, no past."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    env = dict(
        os.environ,
        JUPYTER_CONFIG_DIR=str(folder / "config"),
        JUPYTERLAB_SETTINGS_DIR=str(folder / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(folder / "workspaces"),
        IPYTHONDIR=str(folder / "ipython"),
        JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
    )
    options = ["--no-browser", f"--ServerApp.root_dir={folder / 'root'}"]
    command = [sys.executable, tasks.__file__, "serve", *options]
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        announced = None
        while not announced:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
            announced = re.search(r"(http://[^/]+/)(\S+)\?token=(\w+)", log.read_text())
        url, start, token = announced.groups()
        names = {"root": folder / "root", "runtime": folder / "runtime", "log": log}
        yield SimpleNamespace(url=url, start=start, token=token, **names)
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="session")
def browser():
    program = tasks.find_chromium()
    assert program, "The browser tests need a Chromium: `make test` says how to get one."
    with playwright.sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(lab, browser, request):
    """An empty page, logged in, on fresh notebooks; an error in its console fails the test."""
    shutil.rmtree(lab.root / "notebooks", ignore_errors=True)
    ignore = shutil.ignore_patterns(".*")
    shutil.copytree(
        Path(tasks.__file__).parent / "notebooks", lab.root / "notebooks", ignore=ignore
    )
    context = browser.new_context(
        base_url=lab.url,
        viewport={"width": 1280, "height": 720},
        extra_http_headers={"Authorization": f"token {lab.token}"},
    )
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            errors.append(f"{message.text} ({message.location['url']})")
            if message.type == "error"
            else None
        ),
    )
    yield page
    failed = any(report.failed for report in request.node.stash.get(REPORTS, []))
    if failed or errors:
        SCREENSHOTS.mkdir(exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        page.screenshot(path=SCREENSHOTS / f"{name}.png")
    for session in context.request.get("/api/sessions").json():
        context.request.delete(f"/api/sessions/{session['id']}")
    context.close()
    assert not errors


REPORTS = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Let the page's fixture see whether the test failed."""
    report = yield
    item.stash.setdefault(REPORTS, []).append(report)
    return report
