"""A game with the gradient explorer: goals that it checks, and why a try falls short."""

import html
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets as widgets

from helpers import theory
from helpers.explorers import gradient_explorer, in_words
from helpers.explorers.networks import judge


class Goal(NamedTuple):
    """One goal of the game: ``judge(run)`` says whether it's met, and why or why not."""

    text: str
    start: dict
    may_change: tuple[str, ...]
    num_changes: int
    judge: Callable


def goal_game() -> widgets.VBox:
    """Play with the gradient explorer: three goals, checked over all networks it shows.

    A change is a control that differs from where the goal began; "New draw" doesn't count.
    """
    name, goal = next(iter(GOALS.items()))
    explorer, said = gradient_explorer(**goal.start), widgets.HTML()
    chosen = [name]

    def begin(name):
        chosen[0] = name
        explorer.first_values |= GOALS[name].start  # where "Reset" leads
        explorer.reset()

    def judge(_):
        start, now = explorer.first_values, explorer.values
        sentence = _judged(GOALS[chosen[0]], start, now, explorer.content)
        said.value = f'<p role="status">{html.escape(sentence)}</p>'

    buttons = [widgets.Button(description=name) for name in GOALS]
    for button in buttons:
        button.layout.width = "auto"
        button.on_click(lambda pressed: begin(pressed.description))
    explorer.watch(judge)
    judge(explorer)
    game = widgets.VBox([widgets.HBox(buttons), said, explorer])
    game.add_class("course-game")
    game.explorer, game.goals, game.said = explorer, dict(zip(GOALS, buttons, strict=True)), said
    return game


def _judged(goal, start, values, run):
    """Say how a try stands."""
    changed = [name for name in values if name != "seed" and values[name] != start[name]]
    count = f"{goal.text} Changes: {len(changed)} of {goal.num_changes}"
    count += f" ({', '.join(changed)}). " if changed else ". "
    forbidden = [name for name in changed if name not in goal.may_change]
    if forbidden:
        return f"{count}Not allowed: {forbidden[0]} must stay {start[forbidden[0]]}."
    if len(changed) > goal.num_changes:
        return f"{count}Too many: take one back."
    met, why = goal.judge(run)
    return f"{count}{'Goal met' if met else 'Not yet'}: {why}"


def _judge_learning(run):
    if run.recording is None:
        return False, "training ..."
    accuracy = run.recording["accuracy"].values[:, -1]
    count = f"{(accuracy > 0.9).sum()} of {len(accuracy)} networks exceed accuracy 0.9"
    if (accuracy > 0.9).sum() >= 3:
        return True, f"{count}."
    if run.recording.attrs["diverged_at"] >= 0:
        return False, f"{count}; the loss exploded at step {run.recording.attrs['diverged_at']}."
    ratio = run.start.ratio()
    dead = _dead(run.start)
    word, _ = judge(run.start.measured["delta_norm"].values)
    if word == "dying":
        return (
            False,
            f"{count}; as initialised {dead.sum()} of {len(dead)} networks are dead: no gradient "
            "reaches their first layer.",
        )
    if word in ("vanishing", "shrinking"):
        return (
            False,
            f"{count}; as initialised the first layer's delta is {in_words(ratio)} of the "
            "last's, so the early layers are told nothing.",
        )
    return (
        False,
        f"{count}; the gradient arrives ({in_words(ratio)} times the last's), so look at what "
        "the optimizer makes of it.",
    )


def _dead(profile):
    """Tell which networks pass no gradient at all to their first layer: shape (replicates,)."""
    return profile.measured["delta_norm"].values[:, 0] == 0


def _judge_death(run):
    dead = _dead(run.start)
    settings = run.start.measured.attrs
    chance = theory.relu_dead_probability([settings["width"]] * settings["depth"])
    return bool(dead.mean() >= 0.8), (
        f"{dead.sum()} of {len(dead)} networks pass no gradient to the first layer, and 8 of 10 "
        f"are wanted; for a single input the chance is {100 * chance:.0f} %."
    )


def _judge_width(run):
    width = run.start.measured.attrs["width"]
    factor = theory.gradient_ratio("sigmoid", "standard_normal", width)
    word = "shrinks" if factor < 1 else "grows"
    return abs(factor - 1) < 0.005, (
        f"with {width} units theory multiplies delta by {factor:.3f} per layer: it {word}"
        f"{' no more' if abs(factor - 1) < 0.005 else ''}."
    )


GOALS = {
    "Make 30 sigmoid layers learn": Goal(
        "Make 30 sigmoid layers of 5 units learn the circles, in two changes.",
        {"activation": "sigmoid", "initializer": "glorot_uniform", "depth": 30},
        ("initializer", "normalization", "residual", "optimizer", "learning_rate"), 2,
        _judge_learning,
    ),
    "Kill a ReLU network": Goal(
        "Kill a ReLU network with He's weights: no gradient may reach its first layer, in two "
        "changes.",
        {"activation": "relu", "initializer": "he_normal", "depth": 4},
        ("depth", "width"), 2, _judge_death,
    ),
    "Stop the vanishing by width": Goal(
        "Find the width at which sigmoid under N(0, 1) stops vanishing, in one change.",
        {"activation": "sigmoid", "initializer": "standard_normal", "depth": 30}, ("width",), 1,
        _judge_width,
    ),
}  # fmt: skip
