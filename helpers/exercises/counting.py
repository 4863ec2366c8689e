"""How far the learner is: in one lesson, and in the whole course."""

from dataclasses import dataclass

import ipywidgets as widgets

from helpers.exercises import store
from helpers.exercises.exercise import SOLVED, Exercise
from helpers.exercises.lessons import Lesson, read_course
from helpers.exercises.page import escape, line
from helpers.exercises.prediction import Prediction

CELL = "padding: 2px 12px; text-align: left"
HEAD = ("lesson", "predictions made", "predictions right", "exercises solved")
FORGOTTEN = "Forgotten. A lesson that is open begins anew with a restarted kernel."
ASK_FIRST = "Really start again? Every choice and every solved exercise is forgotten."


@dataclass(frozen=True)
class Count:
    """What was done of a lesson, or of several."""

    predictions: int
    made: int
    right: int
    exercises: int
    solved: int

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.made == self.predictions and self.solved == self.exercises


def tally(*parts: Prediction | Exercise) -> widgets.HTML:
    """Count the predictions made, those that came true, and the exercises solved."""
    predictions = [part for part in parts if isinstance(part, Prediction)]
    exercises = [part for part in parts if isinstance(part, Exercise)]
    # a choice counts, whether its answer has been looked at or not
    made = [p for p in predictions if p.chosen is not None]
    right = sum(p.chosen == p.answer for p in made)
    text = f"You made {len(made)} of {len(predictions)} predictions; {right} came true."
    if exercises:
        text += f" You solved {sum(e.solved for e in exercises)} of {len(exercises)} exercises."
    return widgets.HTML(line(text))


def progress() -> widgets.VBox:
    """Show how far the learner is in the course, with buttons to count and to start again.

    The totals come from the notebooks in the kernel's folder, so they are never out of date.

    Returns
    -------
    widgets.VBox
        A table with a line for each lesson, and the buttons.
    """
    table = widgets.HTML()
    again = widgets.Button(description="Count again")
    forget = widgets.Button(description="Start again")
    sure = widgets.Button(description="Yes, forget it all")
    keep = widgets.Button(description="No, keep it")
    question = widgets.VBox([widgets.HTML(line(ASK_FIRST)), widgets.HBox([sure, keep])])
    # asked once, and out of the way until then
    question.layout.display = "none"

    def show(_=None, said=""):
        question.layout.display = "none"
        table.value = _table(read_course(), store.entries()) + line(escape(said or store.notice()))

    # nothing is lost by one click
    def ask(_):
        question.layout.display = ""

    def start_again(_):
        store.forget()
        show(said=store.notice() or FORGOTTEN)

    again.on_click(show)
    keep.on_click(show)
    forget.on_click(ask)
    sure.on_click(start_again)
    show()
    return widgets.VBox([table, widgets.HBox([again, forget]), question])


def count(lesson: Lesson, entries: dict[str, str]) -> Count:
    """Count what was done of a lesson, from the entries of the progress file."""
    chosen = [
        (entries[asked.question], asked.answer)
        for asked in lesson.predictions
        # an option that the course has reworded since is no choice any more
        if entries.get(asked.question) in asked.options
    ]
    return Count(
        predictions=len(lesson.predictions),
        made=len(chosen),
        right=sum(choice == answer for choice, answer in chosen),
        exercises=len(lesson.exercises),
        solved=sum(entries.get(question) == SOLVED for question in lesson.exercises),
    )


def _table(course, entries):
    """Write the table in HTML: a lesson a line, and the sums."""
    if not course:
        return line("No lessons were found in this folder.")
    counts = {lesson.title: count(lesson, entries) for lesson in course.values()}
    # summed by name, so that a new field is never forgotten
    whole = Count(
        *(sum(getattr(one, name) for one in counts.values()) for name in Count.__dataclass_fields__)
    )
    done = sum(one.is_done for one in counts.values())
    begun = sum(one.made + one.solved > 0 for one in counts.values())
    said = f"{done} of {len(counts)} lessons finished, {begun} begun."
    rows = [_row(escape(title), one) for title, one in counts.items()]
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in HEAD)
    return (
        line(f"<b>{said}</b>")
        + f'<table style="font-size: 16px; border-collapse: collapse"><tr>{head}</tr>'
        + "".join([*rows, _row("<b>all</b>", whole)])
        + "</table>"
    )


def _row(title, one):
    mark = " ✓" if one.is_done else ""
    cells = (
        f"{one.made} of {one.predictions}",
        str(one.right),
        f"{one.solved} of {one.exercises}",
    )
    numbers = "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row" style="{CELL}">{title}{mark}</th>{numbers}</tr>'
