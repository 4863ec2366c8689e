"""A game with the gradient explorer: goals that it checks, and why a try falls short."""

import html
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np

from helpers import theory
from helpers.explorers import layout
from helpers.explorers.gradient import gradient_explorer
from helpers.explorers.release import close_all, free_last_run
from helpers.explorers.words import judge, size_in_words
from helpers.plots.maps import LEARNED

NUM_LEARNED = 3  # of the four networks that are trained
DEAD_SHARE = 0.8  # of the networks, for them to count as killed
STEADY = 0.005  # how near to 1 a layer's factor has to be


class Goal(NamedTuple):
    """One goal of the game: ``judge(run)`` says whether it's met, and why or why not."""

    text: str
    start: dict
    may_change: tuple[str, ...]
    num_changes: int
    judge: Callable


class Game(widgets.VBox):
    """The buttons of the goals, and once one is chosen, how the try stands, and an explorer.

    `explorer` is None until then: it costs a page time and memory, and not every hall plays.
    """

    def __init__(self):
        self.explorer = None
        self.said = layout.words(_paragraph("Choose a goal."))
        self.goals = {
            name: layout.button(name, on_click=lambda name=name: self.begin(name)) for name in GOALS
        }
        buttons = widgets.HBox(list(self.goals.values()))
        buttons.layout.flex_flow = "row wrap"  # on a phone
        super().__init__([buttons, self.said])
        self.add_class("course-game")
        free_last_run(self)

    def free(self) -> None:
        """Give back the channels, and all that the explorer holds."""
        if self.explorer is not None:
            self.explorer.free()
        for part in (*self.goals.values(), self.said, self.children[0]):
            close_all(part)
        self.layout.close()
        self.close()
        self.children = ()
        self.goals = {}
        self.explorer = None

    def begin(self, name: str) -> None:
        """Begin with a goal, where "Reset" leads from now on."""
        self._name = name
        if self.explorer is None:
            self.explorer = gradient_explorer(**GOALS[name].start)
            self.explorer.watch(lambda _: self._judge())
            self.children = (*self.children, self.explorer)
            self._judge()
            return
        self.explorer.first_values |= GOALS[name].start
        self.explorer.reset()

    def _judge(self):
        shown = self.explorer
        sentence = stand_of(GOALS[self._name], shown.first_values, shown.values, shown.content)
        self.said.value = _paragraph(sentence)
        shown.announce(sentence)


def _paragraph(sentence):
    return f"<p>{html.escape(sentence)}</p>"


def goal_game() -> Game:
    """Play with the gradient explorer: three goals, checked over all networks it shows.

    A change is a control that differs from where the goal began; "New draw" doesn't count.
    """
    return Game()


def stand_of(goal: Goal, start: dict, values: dict, run) -> str:
    """Say how a try stands."""
    changed = [name for name in values if name != "seed" and values[name] != start[name]]
    count = f"{goal.text} Changes: {len(changed)} of {goal.num_changes}"
    count += f" ({', '.join(changed)}). " if changed else ". "
    forbidden = [name for name in changed if name not in goal.may_change]
    if forbidden:
        return f"{count}Not allowed: {forbidden[0]} must stay {start[forbidden[0]]}."
    if len(changed) > goal.num_changes:
        return f"{count}Too many: take one back."
    if run.start is None:
        return f"{count}Not yet."
    met, why = goal.judge(run)
    return f"{count}{'Goal met' if met else 'Not yet'}: {why}"


def _judge_learning(run):
    if run.recording is None:
        return False, "training ..."
    accuracy = run.recording["accuracy"].values[:, -1]
    learned = int((accuracy > LEARNED).sum())
    count = f"{learned} of {len(accuracy)} networks exceed accuracy {LEARNED}"
    if learned >= NUM_LEARNED:
        return True, f"{count}."
    if run.recording.attrs["diverged_at"] >= 0:
        return False, f"{count}; the loss exploded at step {run.recording.attrs['diverged_at']}."
    return False, f"{count}; {_why_not(run.start)}"


def _why_not(profile):
    """Say what the gradient as initialised has to do with it."""
    size = size_in_words(profile.ratio())
    word, dead = judge(profile.measured["delta_norm"].values)
    if word == "dying":
        return f"as initialised {dead.removesuffix('; ')}: no gradient reaches their first layer."
    if word in ("vanishing", "shrinking"):
        return (
            f"as initialised the first layer's delta is {size} of the last's, so the early layers "
            "are told nothing."
        )
    return (
        f"the gradient arrives ({size} times the last's), so look at what the optimizer makes of "
        "it."
    )


def _judge_death(run):
    dead = run.start.measured["delta_norm"].values[:, 0] == 0
    settings = run.start.measured.attrs
    chance = theory.relu_dead_probability([settings["width"]] * settings["depth"])
    return bool(dead.mean() >= DEAD_SHARE), (
        f"{dead.sum()} of {len(dead)} networks pass no gradient to the first layer, and 8 of 10 "
        f"are wanted; for a single input the chance is {100 * chance:.0f} %."
    )


def _judge_width(run):
    width = run.start.measured.attrs["width"]
    factor = theory.gradient_ratio("sigmoid", "standard_normal", width)
    word = "shrinks" if factor < 1 else "grows"
    steady = bool(np.abs(factor - 1) < STEADY)
    return steady, (
        f"with {width} units theory multiplies delta by {factor:.3f} per layer: it {word}"
        f"{' no more' if steady else ''}."
    )


GOALS = {
    "Make 30 sigmoid layers learn": Goal(
        "Make 30 sigmoid layers of 5 units learn the circles, in two changes.",
        {"activation": "sigmoid", "initializer": "glorot_uniform", "depth": 30},
        ("initializer", "normalization", "residual", "optimizer", "learning_rate"),
        2,
        _judge_learning,
    ),
    "Kill a ReLU network": Goal(
        "Kill a ReLU network with He's weights: no gradient may reach its first layer, in two "
        "changes.",
        {"activation": "relu", "initializer": "he_normal", "depth": 4},
        ("depth", "width"),
        2,
        _judge_death,
    ),
    "Stop the vanishing by width": Goal(
        "Find the width at which sigmoid under N(0, 1) stops vanishing, in one change.",
        {"activation": "sigmoid", "initializer": "standard_normal", "depth": 30},
        ("width",),
        1,
        _judge_width,
    ),
}
