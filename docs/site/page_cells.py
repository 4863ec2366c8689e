"""From a notebook that has run to one that a page without a kernel can be made of.

A widget becomes what it can be there: an explorer its picture, a prediction a plain form, an
exercise its question. What is folded in JupyterLab is folded on the page, and what comes out after
a prediction, too, until a choice is made. All else stays as the run left it.
"""

import base64
import copy
import hashlib
import html
import json
import re
import struct
from pathlib import Path

from helpers.exercises.lessons import Lesson
from helpers.exercises.page import prose

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
EMBEDDED = re.compile(r"data:image/png;base64,([\w+/=]+)")
LINK = re.compile(r"\[([^]]*)\]\(([^):#]+\.(?:ipynb|md))(#[^)]*)?\)")
PIXELS = 2  # of a picture, for each one of the page
RUN_IT = "index.html#run-it"

# What an unfolding line says: for code, a claim, and what comes out after a prediction.
CODE = "The code of this cell"
CLAIM = "A claim: it was run for this page, and holds"
RESULT = "What comes out (choose an answer first)"
SEEN = "What comes out"
# What stands for a widget that needs a kernel, by a call in its cell.
INSTEAD = {
    "environment.check(": "looks whether your own machine has all it needs.",
    "exercises.progress(": "counts what you have done, over all lessons.",
    "goals.goal_game(": "begins a game: three goals, and why a try falls short of them.",
    "": "shows something that answers.",
}


class Pictures:
    """A folder of PNG files that the pages show; each picture is stored once."""

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        self.address = address

    def keep(self, png: bytes) -> str:
        """Store a picture and return its address."""
        name = hashlib.sha256(png).hexdigest()[:16] + ".png"
        (self.folder / name).write_bytes(png)
        return f"{self.address}/{name}"

    def tag(self, png: bytes, alt: str) -> str:
        """Store a picture and return the HTML that shows it."""
        # PNG: the width and the height are its bytes 16 to 23
        width, height = (size // PIXELS for size in struct.unpack(">II", png[16:24]))
        return (
            f'<img src="{self.keep(png)}" alt="{html.escape(alt)}" width="{width}" '
            f'height="{height}" loading="lazy">'
        )


def slug(heading: str) -> str:
    """Return what stands behind the # of a link to a heading, as JupyterLab makes it."""
    return heading.replace(" ", "-")


def for_page(notebook, name: str, lesson: Lesson, pages: set[str], pictures: Pictures):
    """Return a copy of a notebook that has run, without widgets.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    name : str
        Of its file.
    lesson : Lesson
        What it asks, with the answers.
    pages : set of str
        Names of the files that have a page; of a link to any other only the words stay.
    pictures : Pictures
        Takes the pictures.
    """
    notebook = copy.deepcopy(notebook)
    models = notebook.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    predictions = {asked.question: asked for asked in lesson.predictions}
    exercises = iter(lesson.exercises)
    is_asked = False  # whether what comes out now would answer the last question
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = link(cell.source, pages)
            is_asked = is_asked and not re.search("^#+ ", cell.source, re.M)
            continue
        is_asked = is_asked or "predict(" in cell.source
        fold(cell, is_asked)
        instead = []
        for output in cell.outputs:
            model = output.get("data", {}).get(VIEW, {}).get("model_id")
            if model is None:
                if "text/html" in output.get("data", {}):
                    output.data["text/html"] = unpack(output.data["text/html"], pictures)
                continue
            parts = list(walk(models, model))
            state = parts[0]["state"]
            if state.get("question") in predictions:
                text = form(predictions[state["question"]])
            elif "course-explorer" in (state.get("_dom_classes") or []):
                text = figure(parts, name, pictures)
            elif "Exercise(" in cell.source:
                text = task(next(exercises))
            elif is_answer(cell) or parts[0]["model_name"] == "FloatProgressModel":
                text = ""  # the question above says what happens; a bar has come to its end
            else:
                text = note(cell.source)
            instead.append((output, text))
        for output, text in instead:
            output.data = {"text/html": text}
            if not text:
                cell.outputs.remove(output)
    return notebook


def link(source: str, pages: set[str]) -> str:
    """Turn links to files into links to pages."""

    def rewrite(found):
        words, path, place = found.groups()
        file = Path(path).name
        return f"[{words}]({file}{place or ''})" if file in pages else words

    return LINK.sub(rewrite, source)


def is_answer(cell) -> bool:
    """Whether the learner answers an exercise in this cell."""
    return re.search(r"^exercise_\w+\.check\(", cell.source, re.M) is not None


def fold(cell, is_asked: bool) -> None:
    """Tag a code cell so that the page folds what JupyterLab folds, and what `is_asked` about."""
    hidden = cell.metadata.get("jupyter", {})
    if "predict(" in cell.source or "Exercise(" in cell.source:
        tag, words = "remove-input", ""  # it holds the solution
    elif hidden.get("source_hidden") and hidden.get("outputs_hidden"):
        tag, words = "hide-cell", CLAIM
    elif hidden.get("source_hidden"):
        tag, words = "hide-input", CODE
    elif is_asked and cell.outputs:
        tag, words = "hide-output", RESULT
    else:
        return
    cell.metadata.tags = [*cell.metadata.get("tags", []), tag]
    unfolded = SEEN if words == RESULT else words
    cell.metadata.mystnb = {"code_prompt_show": words, "code_prompt_hide": unfolded}


def walk(models: dict, model_id: str):
    """Yield a widget's model and those of all parts within it, top down."""
    model = models[model_id]
    yield model
    for child in model["state"].get("children", []):
        yield from walk(models, child.removeprefix("IPY_MODEL_"))


def unpack(text: str, pictures: Pictures) -> str:
    """Store the pictures that HTML holds as text, and name their files instead."""
    return EMBEDDED.sub(lambda found: pictures.keep(base64.b64decode(found.group(1))), text)


def figure(parts: list[dict], name: str, pictures: Pictures) -> str:
    """Return the picture of an explorer, with its sentence and the way to run it."""
    states = [part["state"] for part in parts]
    image = next(part for part in parts if part["model_name"] == "ImageModel")
    words = next(state for state in states if "picture" in state)
    setting = next(s["value"] for s in states if s.get("description") == "setting")
    png = base64.b64decode(image["buffers"][0]["data"])
    return (
        f'<figure class="course-explorer-picture">{pictures.tag(png, words["picture"])}'
        f"<figcaption><p>{html.escape(words['said'])}</p>"
        f"<p>A picture of the explorer, set to <code>{html.escape(setting)}</code>. To move it "
        f'yourself, <a href="{RUN_IT}">start the course in JupyterLab</a> and run this cell of '
        f"<code>{name}</code>.</p></figcaption></figure>"
    )


def form(asked) -> str:
    """Return a prediction as a form; course.js makes it answer at once."""
    options = "".join(
        f'<label><input type="radio" name="{identity(asked)}"> {html.escape(option)}</label>'
        for option in asked.options
    )
    # not to be read at a glance, neither on the page nor in its source
    sealed = base64.b64encode(json.dumps(vars(asked)).encode()).decode()
    return (
        f'<div class="course-prediction" data-sealed="{sealed}"><fieldset>'
        f"<legend><b>Predict.</b> {html.escape(asked.question)}</legend>{options}</fieldset>"
        f"<details><summary>Choose one, then see</summary>"
        f"<p>The answer: {html.escape(asked.answer)}. {html.escape(asked.why)}</p></details></div>"
    )


def identity(asked) -> str:
    """Return a name for the radio buttons of a question."""
    return "prediction-" + hashlib.sha256(asked.question.encode()).hexdigest()[:8]


def task(question: str) -> str:
    """Return the question of an exercise."""
    return (
        f'<p class="course-task"><b>Exercise.</b> {prose(question)} <i>In '
        f'<a href="{RUN_IT}">JupyterLab</a> you can ask for hints and for the solution, and the '
        "next cell checks your answer.</i></p>"
    )


def note(source: str) -> str:
    """Return a sentence in the place of a widget that only a kernel can bring to life."""
    if "tally(" in source:
        return '<p class="course-tally">In JupyterLab this cell counts what you have done.</p>'
    does = next(sentence for call, sentence in INSTEAD.items() if call in source)
    return f'<p class="course-note">In <a href="{RUN_IT}">JupyterLab</a> this cell {does}</p>'
