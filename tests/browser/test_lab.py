"""JupyterLab opens the course and runs it, without a pop-up, an error or a way in for others."""

import http.client
import json
import os
import re
import urllib.error
import urllib.request

import nbformat
import psutil
import pytest
from driver import PANEL, THEMES, cell_errors, open_notebook, prompts, run_all, wait_until_idle
from playwright.sync_api import expect

import tasks

WORDS = {"glossary.ipynb"}  # has no cell to run
NOTEBOOKS = sorted(
    path.name for path in (tasks.ROOT / "notebooks").glob("*.ipynb") if path.name not in WORDS
)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_opens_and_runs(page, name):
    open_notebook(page, name)
    run_all(page)
    assert cell_errors(page) == []
    assert all("[" in prompt for prompt in prompts(page))


def test_the_first_page_is_the_map_without_a_pop_up(page, lab):
    assert lab.start.endswith(tasks.START)
    open_notebook(page, "00_start_here.ipynb", theme="dark")
    expect(page.locator(".jp-Notebook h1").first).to_be_visible()
    page.wait_for_timeout(3000)  # the news used to be offered 2 s after the page had come up
    expect(page.locator(".Toastify__toast")).to_have_count(0)
    expect(page.locator(".jp-Dialog")).to_have_count(0)


@pytest.mark.parametrize("theme", THEMES)
def test_both_themes_open(page, theme):
    open_notebook(page, "00_start_here.ipynb", theme)


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "01_product_of_derivatives.ipynb"])
def test_the_first_explorer_is_in_sight_once_its_cell_has_run(page, name):
    open_notebook(page, name)
    page.locator(f"{PANEL} .jp-Cell").first.click()
    for _ in range(3):  # title, set-up, explorer
        page.keyboard.press("Shift+Enter")
    picture = page.locator(".course-explorer img.widget-image")
    expect(picture).to_be_visible(timeout=60_000)
    page.wait_for_timeout(2500)
    for part in (picture, page.locator(".course-explorer .noUi-handle").first):
        box = part.bounding_box()
        assert box["y"] >= 90 and box["y"] + box["height"] <= 700  # between the bars


def test_a_failing_cell_is_seen(page, lab):
    path = lab.root / "notebooks" / NOTEBOOKS[0]
    notebook = json.loads(path.read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[1]["source"] = ["1 / 0"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    open_notebook(page, path.name)
    run_all(page)
    assert "ZeroDivisionError" in cell_errors(page)[0]


def choose(page, entry):
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile(f"^{entry}$")).click()


def test_the_terminal_stays_quiet_while_kernels_come_and_go(page, lab):
    before = lab.log.read_text()
    open_notebook(page, "00_start_here.ipynb")
    for _ in range(3):
        choose(page, "Restart Kernel…")
        page.get_by_role("button", name="Confirm Kernel Restart").click()
        page.wait_for_timeout(1000)
        wait_until_idle(page)
    choose(page, "Shut Down Kernel")
    page.wait_for_timeout(1000)
    assert lab.log.read_text() == before


def test_a_text_that_attacks_the_page_is_only_shown(page, lab):
    folder = str(tasks.ROOT / "tests")
    source = f"import sys; sys.path.insert(0, {folder!r})\nimport sinks\n"
    source += "for thing in sinks.everything(): display(thing)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.root / "notebooks" / "attack.ipynb")
    open_notebook(page, "attack.ipynb")
    run_all(page)
    asked = page.locator(".course-prediction")
    expect(asked).to_contain_text("<img src=x onerror=")
    asked.locator("input").first.check()
    page.wait_for_timeout(2000)  # the explorers give names to their parts after a while
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.attacked") is None
    assert page.locator(PANEL).inner_text().count("<img src=x onerror=") > 20


def ask(lab, path, method="GET", **headers):
    """Ask as another program does; return the status."""
    server = http.client.HTTPConnection(lab.url.split("/")[2])
    body = "{}" if method == "POST" else None
    server.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
    return server.getresponse().status


def test_foreign_pages_and_names_are_refused(page, lab):
    page.goto(f"{lab.url}lab?token={lab.token}")  # logs in
    cookies = page.context.cookies()
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in cookies)
    assert ask(lab, "/api/contents", Cookie=cookie) == 200
    assert ask(lab, "/api/sessions", "POST", Cookie=cookie) == 403  # what a form elsewhere sends
    assert ask(lab, "/api/contents", Cookie=cookie, Host="example.org") == 403
    socket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    socket |= {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Cookie": cookie}
    path = "/api/events/subscribe"
    assert ask(lab, path, Origin="http://example.org", **socket) == 403
    assert ask(lab, path, Origin=lab.url.rstrip("/"), **socket) == 101


def test_nobody_else_can_read_the_token(lab):
    commands = (process.info["cmdline"] for process in psutil.process_iter(["cmdline"]))
    assert not any(lab.token in " ".join(command or ()) for command in commands)
    found = [path for path in lab.runtime.iterdir() if lab.token in path.read_text("utf-8")]
    assert found  # for the commands of Jupyter that list its servers
    closed = lab.runtime.stat().st_mode & 0o077 == 0  # nobody else comes as far as the files
    assert closed or os.name == "nt" or not any(path.stat().st_mode & 0o077 for path in found)


def test_nobody_gets_in_without_the_token(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(lab.url + "api/contents")
