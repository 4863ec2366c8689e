"""Each prediction of the course, in JupyterLab's default settings: a whole question, no answer."""

import itertools
import json
import re

import nbformat
import pytest
from driver import PANEL, open_notebook, run_all, wait_until_idle
from playwright.sync_api import expect

import tasks

SIZES = [(1280, 720), (1440, 900)]
KEYS = ["Shift+Enter", "Control+Enter"]
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
    // the bar alone: an earlier run's output below it must not help
    (cell.querySelector(".jp-Cell-inputWrapper") ?? cell).scrollIntoView({block: "end"});
}"""
# Resolves once the page hasn't moved for a while: where the question stands, and what else is in
# sight below it.
LOOK = """async ([panel, place]) => {
    const pane = document.querySelector(`${panel} .jp-WindowedPanel-outer`);
    const cells = [...document.querySelectorAll(`${panel} .jp-Notebook .jp-Cell`)];
    const question = () => cells[place].querySelector(".course-prediction");
    let where = "";
    const end = performance.now() + 10_000;
    for (let still = 0; still < 8; ) {
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
            if (output.querySelector(".course-prediction")) continue;  // asked a moment ago
            if (output.checkVisibility() && output.offsetHeight > 0) told.push(output.innerText);
        }
        const prose = cell.querySelector(".jp-RenderedMarkdown");
        for (const part of prose?.children ?? []) {
            if (part.tagName !== "DETAILS") told.push(part.innerText);
            else if (part.open) told.push(part.innerText);
        }
    }
    return {above: box.top - frame.top, below: frame.bottom - box.bottom, height: box.height, told};
}"""


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


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_whole_question_is_in_sight_and_nothing_that_decides_it(page, lab, name):
    open_lesson(page, lab, name)
    wrong = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for place, key in itertools.product(NOTEBOOKS[name], KEYS):
            select(page, place)
            page.keyboard.press(key)
            seen = page.evaluate(LOOK, [PANEL, place])
            if seen["above"] < 0 or seen["below"] < 0 or seen["told"]:
                wrong.append((place, key, width, seen))
    assert wrong == []


# --- from the choice to the answer, as a learner gets there

PREDICT = """from helpers.exercises import predict
guess = predict("How much is 6 times 7?", ["13", "42", "67"], answer="42", why="Six sevens.")
guess"""
PICTURE = """from IPython.display import HTML
HTML('<div style="height: 420px; background: #ddd">the picture that decides it</div>')"""
SAID = "✗ You said: 13. The answer: 42. Six sevens."


def write_lesson(lab, *cells):
    """Write a lesson, prose above and below; its prediction is cell 2, and cell 3 decides."""
    filler = "A long paragraph.\n\n" * 12
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell(filler),
            nbformat.v4.new_code_cell("above = 1"),
            *(nbformat.v4.new_code_cell(cell) for cell in cells),
            nbformat.v4.new_markdown_cell(filler),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, lab.root / "notebooks" / "lesson.ipynb")


def options(page):
    return page.get_by_role("radiogroup", name="How much is 6 times 7?")


def reply(page):
    return page.locator(f"{PANEL} .course-prediction [role=status]")


def is_in_sight(page, locator):
    """Say whether an element lies wholly within the notebook's pane."""
    pane = page.locator(f"{PANEL} .jp-WindowedPanel-outer").bounding_box()
    box = locator.bounding_box()
    low = pane["y"] + pane["height"]
    return pane["y"] <= box["y"] + 1 and box["y"] + box["height"] <= low + 1


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_one_click_commits_and_the_next_run_answers_in_sight(page, lab, size):
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    write_lesson(lab, PREDICT, PICTURE, "after = 2")
    open_notebook(page, "lesson.ipynb")
    select(page, 2)
    page.keyboard.press("Shift+Enter")
    options(page).get_by_text("13", exact=True).click()  # the option's words, not its circle
    expect(reply(page)).to_have_text("You say: 13. Now run the next cell. ")
    page.keyboard.press("Shift+Enter")  # neither a click nor a key between
    expect(reply(page)).to_contain_text(SAID)
    page.evaluate(LOOK, [PANEL, 2])
    assert is_in_sight(page, page.locator(f"{PANEL} .course-prediction"))
    expect(options(page).get_by_label("13", exact=False).first).to_be_disabled()


def test_the_keyboard_alone_chooses_and_moves_no_cell(page, lab):
    write_lesson(lab, PREDICT, PICTURE)
    open_notebook(page, "lesson.ipynb")
    select(page, 2)
    page.keyboard.press("Shift+Enter")
    first = options(page).get_by_label("13", exact=True)
    first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "d", "d", "x", "r"):
        page.keyboard.press(key)
    expect(options(page).get_by_label("67")).to_be_focused()
    assert options(page).locator(":checked").count() == 0
    page.keyboard.press("Space")
    expect(reply(page)).to_contain_text("You say: 67.")
    expect(cell(page, 3)).to_have_class(ACTIVE)
    page.keyboard.press("Shift+Enter")
    expect(reply(page)).to_contain_text("✗ You said: 67.")
    assert len(page.locator(f"{PANEL} .jp-CodeCell").all()) == 3


def test_other_runs_answer_nothing(page, lab):
    """The question again, the cell above, a cell far below, one that fails: then the right one."""
    write_lesson(lab, PREDICT, PICTURE, "1 / 0", "below = 3")
    open_notebook(page, "lesson.ipynb")
    run_cell(page, 2)
    options(page).get_by_label("13", exact=True).click()
    for place in (1, 5, 4, 2):
        run_cell(page, place)
        expect(reply(page)).to_contain_text("You say: 13.")
    run_cell(page, 3)
    expect(reply(page)).to_contain_text(SAID)
    run_cell(page, 2)  # asked again: the answer is on the page
    expect(reply(page)).to_contain_text(SAID)


def test_run_all_asks_who_has_not_chosen_and_moves_nothing(page, lab):
    write_lesson(lab, PREDICT, PICTURE, "after = 2")
    open_notebook(page, "lesson.ipynb")
    run_all(page)
    expect(reply(page)).to_contain_text("Choose now, and see at once.")
    assert "42" not in reply(page).inner_text()
    options(page).get_by_label("13", exact=True).click()
    expect(reply(page)).to_contain_text(SAID)


def test_a_claim_comes_to_light_as_it_runs(page, lab):
    """Alone and by "Run all", in a lesson as it is stored."""
    name = "00_start_here.ipynb"
    claim = claim_places(lab.root / "notebooks" / name)[0]
    hidden = cell(page, claim).locator(".jp-OutputArea-output")

    def run_alone():
        select(page, 1)  # the set-up, which is folded, too
        page.keyboard.press("Control+Enter")
        assert not any(output.is_visible() for output in hidden.all())
        # a folded cell shows no count, only its output
        select(page, claim)
        page.keyboard.press("Control+Enter")

    for run in (run_alone, lambda: run_all(page)):
        open_notebook(page, name)
        expect(cell(page, claim)).to_be_attached()
        assert not any(output.is_visible() for output in hidden.all())
        run()
        expect(hidden.first).to_be_visible()
        expect(hidden.first).to_contain_text("10 of 10 networks.")


def claim_places(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [k for k, cell in enumerate(cells) if "keep_output" in cell["metadata"].get("tags", [])]


def run_cell(page, place):
    """Run a cell and stay in it."""
    select(page, place)
    before = cell(page, place).locator(".jp-InputPrompt").text_content()
    page.keyboard.press("Control+Enter")
    expect(cell(page, place).locator(".jp-InputPrompt")).not_to_have_text(before)
    expect(cell(page, place).locator(".jp-InputPrompt")).not_to_contain_text("*")
    wait_until_idle(page)
