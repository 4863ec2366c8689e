"""What becomes of a notebook's cells on a page: a small notebook that has really run."""

import base64
import json
import re

import nbformat
import page_cells
import pytest
import run_notebooks
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import explorers
from helpers.exercises.lessons import read_lesson

FOLDED = {"source_hidden": True}
CLAIM = {"jupyter": FOLDED | {"outputs_hidden": True}, "tags": ["nbval-check-output"]}
WHY = "Because seven is the only number that nobody likes."
NAME = "00_small.ipynb"
PAGES = {NAME, "glossary.ipynb"}


def said(text):
    return [new_output("stream", name="stdout", text=text)]


def small_notebook():
    """One of each kind of cell; the ids say which."""
    cells = [
        ("setup", "import helpers\nfrom helpers import explorers, exercises", {"jupyter": FOLDED}),
        ("prose", "Look.", None),
        ("explorer", "explorers.depth_explorer()", {}),
        (
            "predict",
            f"exercises.predict('Which?', ['<6>', '7'], answer='7', why={WHY!r})",
            {"jupyter": FOLDED},
        ),
        ("decide", "print('It is 7.')", {}),
        ("claim", "print('It holds.')", CLAIM),
        ("heading", "# Next\n\nA [word](glossary.ipynb#word), a [demo](live_demo.ipynb).", None),
        ("after", "print('Plain.')", {}),
        (
            "exercise",
            "exercise_say = exercises.Exercise('Say `7`.', checker=lambda answer: None, "
            "hints=['6', '+ 1'], solution='answer = 3 + 4')\nexercise_say",
            {"jupyter": FOLDED},
        ),
        ("answer", "exercise_say.check(...)", {}),
    ]
    made = []
    for name, source, metadata in cells:
        cell = new_markdown_cell(source) if metadata is None else new_code_cell(source)
        cell.update(id=name, metadata=metadata or {})
        if name == "claim":
            cell.outputs = said("It holds.\n")
        made.append(cell)
    return new_notebook(cells=made)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The small notebook as Sphinx gets it: the cells by id, and the folder of pictures."""
    folder = tmp_path_factory.mktemp("site")
    path = folder / NAME
    nbformat.write(small_notebook(), path)
    run_notebooks.run(path)
    pictures = page_cells.Pictures(folder, "pictures")
    notebook = nbformat.read(path, as_version=4)
    made = page_cells.for_page(notebook, NAME, read_lesson(path), PAGES, pictures)
    nbformat.validate(made)
    assert not made.metadata.get("widgets")
    return {cell.id: cell for cell in made.cells}, folder


def shown(cell):
    """Return the HTML that a cell puts out."""
    (output,) = cell.outputs
    assert set(output.data) == {"text/html"}
    return output.data["text/html"]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def test_an_explorer_becomes_its_picture_with_alternative_text_and_the_way_to_run_it(page):
    cells, folder = page
    text = shown(cells["explorer"])
    explorer = explorers.depth_explorer()
    alt, sentence, setting = explorer._page.picture, explorer.verdict, explorer.text
    assert f'alt="{alt}"' in text and sentence in text and setting in text
    assert NAME in text and f'href="{page_cells.RUN_IT}"' in text
    picture = folder / re.search(r'src="pictures/(\w+\.png)"', text).group(1)
    assert picture.read_bytes().startswith(b"\x89PNG")
    size = re.search(r'width="(\d+)" height="(\d+)"', text).groups()
    assert [int(side) for side in size] == [
        w // 2 for w in explorer._canvas.figure.canvas.get_width_height()
    ]
    explorer.free()


def test_a_prediction_becomes_a_form_that_keeps_its_answer(page):
    cells, _ = page
    text = shown(cells["predict"])
    assert text.count('type="radio"') == 2 and "Which?" in text and "&lt;6&gt;" in text
    before_asking = re.sub("<details>.*</details>", "", text)
    assert WHY not in before_asking and "answer" not in before_asking
    sealed = re.search('data-sealed="([^"]+)"', text).group(1)
    assert json.loads(base64.b64decode(sealed)) == {
        "question": "Which?",
        "options": ["<6>", "7"],
        "answer": "7",
        "why": WHY,
    }
    assert "remove-input" in tags(cells["predict"])


def test_what_jupyterlab_folds_is_folded_and_what_would_answer_a_question_too(page):
    cells, _ = page
    folds = {name: tags(cell) - {"nbval-check-output"} for name, cell in cells.items()}
    assert folds == {
        "setup": {"hide-input"},
        "prose": set(),
        "explorer": set(),
        "predict": {"remove-input"},
        "decide": {"hide-output"},
        "claim": {"hide-cell"},
        "heading": set(),
        "after": set(),
        "exercise": {"remove-input"},
        "answer": set(),
    }


def test_an_exercise_shows_its_question_and_keeps_its_solution(page):
    cells, _ = page
    assert "Say <code" in shown(cells["exercise"])
    assert "3 + 4" not in shown(cells["exercise"])
    assert cells["answer"].outputs == []
    assert cells["answer"].source == "exercise_say.check(...)"


def test_what_needs_no_kernel_stays_as_the_run_left_it(page):
    cells, _ = page
    assert [output.text for output in cells["after"].outputs] == ["Plain.\n"]


def test_a_link_to_a_file_without_a_page_keeps_its_words_alone(page):
    cells, _ = page
    assert cells["heading"].source.endswith("A [word](glossary.ipynb#word), a demo.")


def test_a_picture_within_html_becomes_a_file(tmp_path):
    png = b"\x89PNG any bytes"
    text = f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}">'
    pictures = page_cells.Pictures(tmp_path, "pictures")
    address = re.fullmatch('<img src="pictures/(.+)">', page_cells.unpack(text, pictures)).group(1)
    assert (tmp_path / address).read_bytes() == png


def test_a_claim_that_says_something_else_stops_the_build(tmp_path):
    notebook = small_notebook()
    notebook.cells = [cell for cell in notebook.cells if cell.id == "claim"]
    notebook.cells[0].outputs = said("It held yesterday.\n")
    nbformat.write(notebook, tmp_path / NAME)
    with pytest.raises(ValueError, match="claim: said 'It holds"):
        run_notebooks.run(tmp_path / NAME)
