"""The rules of a notebook that a machine can hold; nbval runs them, `browser/` clicks in them."""

import ast
import copy
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from helpers.exercises import sealing

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))  # live_demo is a page, no lesson
GLOSSARY = ROOT / "notebooks" / "glossary.ipynb"  # a page of words alone, no lesson either
LESSONS = PATHS[1:]  # all but 00, the map
CLAIM_LINE = "# A claim: run this cell, and see whether it holds.\n"
CLAIM_TAGS = {"nbval-check-output", "keep_output"}
name = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path, cell_type):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == cell_type]


def tags(cell):
    return set(cell.metadata.get("tags", []))


def is_claim(cell):
    return bool(tags(cell) & CLAIM_TAGS)


def is_prediction(cell):
    return "predict(" in cell.source


def is_exercise(cell):
    return "Exercise(" in cell.source


def is_folded(cell):
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def count_lines(cell):
    """Count the lines of a cell without the one that every claim begins with."""
    return len(cell.source.removeprefix(CLAIM_LINE).splitlines())


def is_read(cell):
    """Whether a cell counts as the lesson's text: a claim is folded away, yet made to be read."""
    return is_claim(cell) or not is_folded(cell)


def test_there_are_notebooks_numbered_without_gaps():
    assert [path.stem[:3] for path in PATHS] == [f"{number:02d}_" for number in range(len(PATHS))]
    assert PATHS[0].stem == "00_start_here" and LESSONS


@name
def test_it_is_valid_and_stores_no_state(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert dict(notebook.metadata.language_info) == {"name": "python"}
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


@name
def test_claim_cells_are_kept_and_compared_and_others_store_nothing(path):
    for cell in cells(path, "code"):
        if is_claim(cell):
            assert tags(cell) == CLAIM_TAGS, cell.id
            assert cell.execution_count, f"{cell.id}: nbval compares no output without a count"
            assert [(out.output_type, out.get("name")) for out in cell.outputs] == [
                ("stream", "stdout")
            ], cell.id
            tree = ast.parse(cell.source)
            assert any(isinstance(node, ast.Assert) for node in ast.walk(tree)), cell.id
            assert "print" in ast.unparse(tree.body[-1]), f"{cell.id}: ends in its sentence"
            said = cell.outputs[0].text
            assert said.strip().endswith(".") and not re.search(r"\d\.\d{4}|e-\d{3}", said), cell.id
        else:
            assert not tags(cell) and not cell.outputs and cell.execution_count is None, cell.id
    assert any(map(is_claim, cells(path, "code")))


@name
def test_the_first_cells_are_title_and_set_up(path):
    first, second = nbformat.read(path, as_version=4).cells[:2]
    assert first.cell_type == "markdown" and second.cell_type == "code"
    assert first.source.startswith(f"# {path.stem[:2]} · ") and "?" in first.source.split("\n")[0]
    for word in ("need", "minutes", ".ipynb"):
        assert word in first.source
    assert second.source.startswith("import helpers  # isort: skip")
    assert is_folded(second)


@name
def test_the_first_thing_in_sight_is_a_picture_or_explorer(path):
    third = nbformat.read(path, as_version=4).cells[2]
    assert third.cell_type == "code" and not is_folded(third)
    assert re.fullmatch(r"explorers\.\w+\(.*\)|plots\.show\(.*\)", third.source)


@lesson
def test_the_set_up_holds_imports_then_constants_each_with_its_reason(path):
    source = nbformat.read(path, as_version=4).cells[1].source
    body = ast.parse(source).body
    constants = [statement for statement in body if isinstance(statement, ast.Assign)]
    assert constants and body[-len(constants) :] == constants
    assert constants[0].lineno <= 19  # at most 16 lines of imports
    for statement in constants:
        assert statement.targets[0].id.isupper()
    for line in source.splitlines()[constants[0].lineno - 1 :]:
        assert "  # " in line, line


@lesson
def test_a_lesson_has_its_parts(path):
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    for part in (
        "What you can now say",
        "Your turn",
        "## Sources",
        "Check the source",
        "Short of time?",
        "glossary.ipynb#",
        "**Next:**",
    ):
        assert part in prose, part
    unfolded = [c for c in nbformat.read(path, as_version=4).cells if is_read(c)]
    assert 35 <= len(unfolded) <= 52  # a folded cell, question or task, is one line on the page
    assert 6 <= sum(is_prediction(cell) for cell in cells(path, "code")) <= 10


@lesson
def test_predictions_come_before_the_run_and_hide_their_answer(path):
    code = cells(path, "code")
    for cell, following in zip(code, [*code[1:], None], strict=True):
        if is_prediction(cell):
            assert is_folded(cell), cell.id
            assert following is not None and not is_prediction(following), cell.id


@name
def test_claims_are_folded_away_until_they_run(path):
    for cell in filter(is_claim, cells(path, "code")):
        folds = {"outputs_hidden": True, "source_hidden": True}
        assert cell.metadata.get("jupyter") == folds, f"{cell.id}: JupyterLab brings it to light"
        # folded, it still shows its first line, which mustn't decide the prediction above
        assert cell.source.startswith(CLAIM_LINE), cell.id


@lesson
def test_the_answer_of_a_prediction_is_sealed(path):
    for cell in filter(is_prediction, cells(path, "code")):
        sealed = sealing.rewrite(cell.source, sealing.seal)
        assert cell.source == sealed, f"{cell.id}: python -m helpers.exercises.sealing seal"


@lesson
def test_what_explains_a_prediction_is_folded_up_to_the_next_heading(path):
    asked = None  # the prediction whose explanation this is
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            asked = cell.id if is_prediction(cell) else asked
            continue
        before, heading, _ = re.match(r"(?s)(.*?)(^#+ |\Z)(.*)", cell.source, re.M).groups()
        if asked is not None:
            # a blank line on either side: without, Markdown takes the text for HTML
            fold = r"<details><summary>[^<\n]+</summary>\n\n(?:(?!</?details).)+\n\n</details>\s*"
            assert re.fullmatch(f"(?s)({fold})*", before), f"{cell.id}, after {asked}"
        if heading:
            asked = None


@lesson
def test_exercises_hide_their_solution_and_are_solved_by_it(path):
    code = cells(path, "code")
    tasks = [cell for cell in code if is_exercise(cell)]
    for cell in tasks:
        assert is_folded(cell), cell.id
        following = code[code.index(cell) + 1]
        assert ".check(" in following.source and "..." in following.source, following.id
        assert not is_folded(following), following.id
    if tasks:
        assert len(tasks) >= 4
        claims = "\n".join(cell.source for cell in code if is_claim(cell))
        assert ".try_solution(globals())" in claims
        names = {re.search(r"^(\w+) = Exercise\(", cell.source, re.M).group(1) for cell in tasks}
        assert all(name in claims for name in names)


@name
def test_code_cells_are_short_and_do_no_plumbing(path):
    code = cells(path, "code")
    lengths = sorted(count_lines(cell) for cell in code if is_read(cell))
    assert lengths[-1] <= 25 and lengths[len(lengths) // 2] <= 7
    assert max(count_lines(cell) for cell in code) <= 40  # a checker, folded away
    for cell in code:
        found = re.search(
            r"^\s*[%!]|sys\.path|filterwarnings|plt\.show|jet\b|Output\(", cell.source, re.M
        )
        assert not found, f"{cell.id}: {found.group()!r}"


@lesson
def test_prose_and_code_are_in_balance(path):
    words = sum(len(cell.source.split()) for cell in cells(path, "markdown"))
    lines = sum(count_lines(cell) for cell in cells(path, "code") if is_read(cell))
    assert 8 <= words / lines <= 15


def headings(path):
    """What may stand behind the # of a link to this notebook, as JupyterLab makes it."""
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    return {heading.replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", prose, re.M)}


@pytest.mark.parametrize("path", [*PATHS, GLOSSARY], ids=lambda path: path.stem)
def test_links_resolve(path):
    prose = "\n".join(cell.source for cell in cells(path, "markdown"))
    links = re.findall(r"\]\(([^)]+)\)", prose)
    assert links
    for link in links:
        if re.match("https?://", link):
            continue
        target, _, place = link.partition("#")
        assert (path.parent / target).exists(), link
        assert not place or place in headings(path.parent / target), link


def test_every_term_of_the_glossary_says_which_lesson_introduces_it():
    notebook = nbformat.read(GLOSSARY, as_version=4)
    nbformat.validate(notebook)
    assert {cell.cell_type for cell in notebook.cells} == {"markdown"}
    prose = "\n".join(cell.source for cell in notebook.cells)
    terms = re.split(r"^### ", prose, flags=re.M)[1:]
    assert len({term.split("\n")[0] for term in terms}) == len(terms) >= 30
    for term in terms:
        assert re.search(r"\[Lesson \d\d\]\(\d\d_\w+\.ipynb\)\.", term), term


def test_every_row_of_the_sources_has_a_cell_and_a_check():
    ids = {
        path.stem[:2]: {cell.id for cell in nbformat.read(path, as_version=4).cells}
        for path in LESSONS
    }
    lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if re.match(r"\| [A-C]\d", line)]
    assert [row for row, *_ in rows] == [
        f"{source}{number}"
        for source, last in (("A", 9), ("B", 11), ("C", 10))
        for number in range(1, last + 1)
    ]
    for row, _, where, checks in rows:
        here = set()
        for notebook_and_cells in where.split("; "):
            number, *named = re.findall(r"^\d\d|(?<=`)[a-z-]+(?=`)", notebook_and_cells)
            assert named and set(named) <= ids[number], (row, notebook_and_cells)
            here |= ids[number]
        named = re.findall(r"`([^`]+)`", checks)
        assert named, row
        for check in named:
            assert (ROOT / check).exists() if "/" in check else check in here, (row, check)


@pytest.mark.parametrize("page", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_map_names_every_lesson(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for path in LESSONS:
        assert re.search(rf"\]\((notebooks/)?{path.name}\)", text), path.name


# --- a cell that fails must fail the run: broken on purpose, in three ways


def nbval(folder):
    """Run the notebooks of a folder under nbval: the exit status, and each one's failed cells."""
    report = folder / "report.xml"
    paths = sorted(folder.glob("*.ipynb"))
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}", *paths]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert report.exists(), run.stdout + run.stderr
    failed = {path.name: [] for path in paths}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None:
            failed[case.get("classname")].append(case.get("name"))
    return run.returncode, failed


def break_nothing(cells):
    pass


def break_claim(cells):
    cells[-1].outputs[0].text = cells[-1].outputs[0].text.replace("10 of 10", "9 of 10")


def break_assertion(cells):
    cells[-1].source = cells[-1].source.replace("< 1e-3", "> 1e-3")


def break_set_up(cells):
    cells[0].source += "\nfrom helpers import nothing"


def test_nbval_notices_what_is_broken_and_nothing_else(tmp_path):
    """One run serves all four, for its start takes as long as a notebook."""
    notebook = nbformat.read(PATHS[0], as_version=4)
    # what looks at the machine or at the learner's past claims nothing
    code = [
        c
        for c in notebook.cells
        if c.cell_type == "code" and not re.search("environment.check|progress", c.source)
    ]
    assert is_claim(code[-1])
    last = f"Cell {len(code) - 1}"
    expected = {
        break_nothing: [],
        break_claim: [last],
        break_assertion: [last],
        break_set_up: ["Cell 0"],
    }
    for damage in expected:
        notebook.cells = copy.deepcopy(code)
        damage(notebook.cells)
        nbformat.write(notebook, tmp_path / f"{damage.__name__}.ipynb")
    status, failed = nbval(tmp_path)
    assert status == 1
    assert failed == {f"{damage.__name__}.ipynb": cells for damage, cells in expected.items()}
