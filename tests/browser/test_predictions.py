"""Each prediction of the course, in JupyterLab's default settings: a whole question, no answer."""

import json
import re

import pytest
from driver import PANEL, open_notebook, wait_until_idle
from playwright.sync_api import expect

import tasks

SIZES = [(1280, 720), (1440, 900)]
KEYS = ["Shift+Enter", "Control+Enter"]
TRACKER = "/lab/api/settings/@jupyterlab/notebook-extension:tracker"
# All that the cells of predictions need: a lesson's own imports would take seconds.
ACTIVE = re.compile("jp-mod-active")
NEEDED = "from helpers.exercises import predict"


def predictions(path):
    """Return the place of each prediction among the cells of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        place
        for place, cell in enumerate(cells)
        if cell["cell_type"] == "code" and "predict(" in "".join(cell["source"])
    ]


NOTEBOOKS = {
    path.name: predictions(path)
    for path in sorted((tasks.ROOT / "notebooks").glob("[0-9]*.ipynb"))
    if predictions(path)
}

# Brings a folded cell to the lower edge: there its output has least room.
PLACE = """([panel, place]) => {
    document.activeElement?.blur();
    const cell = document.querySelectorAll(`${panel} .jp-Notebook .jp-Cell`)[place];
    cell.scrollIntoView({block: "end"});
}"""
# Resolves once the page hasn't moved for a while: where the question stands, and what else is in
# sight below it.
LOOK = """async ([panel, place]) => {
    const pane = document.querySelector(`${panel} .jp-WindowedPanel-outer`);
    const cells = [...document.querySelectorAll(`${panel} .jp-Notebook .jp-Cell`)];
    const question = () => cells[place].querySelector(".course-prediction");
    let where = "";
    const end = performance.now() + 10_000;
    for (let still = 0; still < 15; ) {
        await new Promise(requestAnimationFrame);
        if (performance.now() > end) throw new Error(`cell ${place} shows no question`);
        const box = question()?.getBoundingClientRect();
        const now = box ? `${box.top} ${box.height}` : "none";
        still = now === where && now !== "none" ? still + 1 : 0;
        where = now;
    }
    const frame = pane.getBoundingClientRect();
    const box = question().getBoundingClientRect();
    const told = [];
    for (const cell of cells.slice(place + 1)) {
        if (cell.getBoundingClientRect().top >= frame.bottom) break;
        if (cell.querySelector(".jp-RenderedMarkdown :is(h1, h2, h3)")) break;  // another subject
        for (const output of cell.querySelectorAll(".jp-OutputArea-output")) {
            if (output.checkVisibility() && output.offsetHeight > 0) told.push(output.innerText);
        }
        const prose = cell.querySelector(".jp-RenderedMarkdown");
        for (const part of prose?.children ?? []) {
            if (part.tagName !== "DETAILS") told.push(part.innerText);
            else if (part.open) told.push(part.innerText);
        }
        if (cell.querySelector(".jp-InputArea-editor")?.offsetHeight > 0) continue;
    }
    return {above: box.top - frame.top, below: frame.bottom - box.bottom, height: box.height, told};
}"""


@pytest.fixture
def default_page(page):
    """A page in JupyterLab's own settings, which the other browser tests change."""
    before = page.request.get(TRACKER).json()["raw"]
    page.request.put(TRACKER, data={"raw": "{}"})
    yield page
    page.request.put(TRACKER, data={"raw": before})


def cell(page, place):
    return page.locator(f"{PANEL} .jp-Notebook > .jp-WindowedPanel-outer .jp-Cell").nth(place)


def open_lesson(page, lab, name):
    """Open a lesson whose set-up cell does just what predictions need, and run that cell."""
    path = lab.root / "notebooks" / name
    notebook = json.loads(path.read_text("utf-8"))
    code = [place for place, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"]
    notebook["cells"][code[0]] |= {"source": [NEEDED], "metadata": {}}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    open_notebook(page, name)
    select(page, code[0])
    page.keyboard.press("Control+Enter")
    expect(cell(page, code[0]).locator(".jp-InputPrompt")).to_have_text("[1]:")
    wait_until_idle(page)


def select(page, place):
    """Make a cell the active one, as a click beside its text does."""
    page.evaluate(PLACE, [PANEL, place])
    cell(page, place).click(position={"x": 4, "y": 4})
    expect(cell(page, place)).to_have_class(ACTIVE)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_whole_question_is_in_sight_and_nothing_that_decides_it(default_page, lab, name, size):
    page = default_page
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    open_lesson(page, lab, name)
    wrong = []
    for place in NOTEBOOKS[name]:
        for key in KEYS:
            select(page, place)
            page.keyboard.press(key)
            seen = page.evaluate(LOOK, [PANEL, place])
            if seen["above"] < 0 or seen["below"] < 0 or seen["told"]:
                wrong.append((place, key, seen))
    assert wrong == []
