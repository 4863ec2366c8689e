"""JupyterLab opens the course and runs it, without a pop-up, an error or a way in for others."""

import json
import urllib.error
import urllib.request

import pytest
from driver import PANEL, THEMES, cell_errors, open_notebook, prompts, run_all
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


def test_nobody_gets_in_without_the_token(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(lab.url + "api/contents")
