"""Everything of the course that turns a text into HTML, each given one text that attacks the page.

``everything()`` is looked at by ``test_escaping.py``, and shown in JupyterLab by the browser tests.
"""

import ipywidgets as widgets
import keras
import numpy as np
from matplotlib.figure import Figure

from helpers import environment, explorers, plots
from helpers.catalogue import ACTIVATIONS, Activation
from helpers.diagnosis import Diagnosis, GradientWatch, Notice, diagnose
from helpers.diagnosis.exam import Chart
from helpers.diagnosis.rules import Finding
from helpers.exercises import Exercise, counting, predict, progress, store
from helpers.exercises.lessons import Lesson
from helpers.explorers.game import _paragraph

ATTACK = """<img src=x onerror="window.attacked=1">'"&<b>"""
# The rooms that write HTML. A text of a new one has to be walked here, too.
ROOMS = {
    "diagnosis/exam.py",
    "diagnosis/report.py",
    "diagnosis/watch.py",
    "environment.py",
    "exercises/counting.py",
    "exercises/exercise.py",
    "exercises/page.py",
    "explorers/base.py",
    "explorers/game.py",
    "explorers/layout.py",
    "explorers/training.py",
    "plots/style.py",
}


def an_exercise():
    def fails(answer):
        raise RuntimeError(ATTACK)

    one = Exercise(
        f"{ATTACK} `{ATTACK}(x)`",
        checker=lambda answer: fails(answer) if answer else f"{ATTACK} `{ATTACK}`",
        hints=[ATTACK],
        solution=f"answer = {ATTACK!r}",
    )
    right = Exercise("?", checker=lambda _: "", hints=["-"], solution="answer = 1")
    store._notices.append(ATTACK)
    return [one, one.check(0), one.check(1), one.hint(), one.solution(), right.check(1)]


def a_count():
    store._notices.append(ATTACK)
    return [progress(), widgets.HTML(counting._table({"": Lesson(ATTACK, [], [])}, {}))]


def a_picture(sentence):
    ax = Figure().add_subplot()
    ax.set_label(sentence)
    return plots.show(ax)


def a_model():
    model = keras.Sequential(
        [
            keras.layers.Input((2,)),
            keras.layers.Dense(3, activation="tanh"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer="sgd")
    x = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
    return model, x, (x[:, :1] > 0).astype("float32")


def diagnoses():
    model, x, y = a_model()
    report = diagnose(model, x, y)
    attacked = Diagnosis(report.table, [Finding(report.verdict, *[ATTACK] * 2)] * 2)
    attacked.verdict = attacked.rule = ATTACK
    attacked.also = [Finding(*[ATTACK] * 3)]
    chart = Chart(ATTACK, model, x, y)
    chart.facts = ATTACK
    names = ("layer", [ATTACK] * chart.table.sizes["layer"])
    chart.table = chart.table.assign_coords(layer=names[1], activation=names)
    watch = GradientWatch(x, y)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[watch])
    watch.notices.append(Notice(0, ATTACK, ATTACK))
    return [attacked, chart, watch]


def an_explorer():
    """One that meets the text as a name, as a setting, as a fault, and as the end of a training."""
    ACTIVATIONS[ATTACK] = Activation(np.tanh, keras.ops.tanh)
    try:
        mine = explorers.gradient_explorer(activation=ATTACK)
    finally:
        del ACTIVATIONS[ATTACK]
    mine._rest(ATTACK)
    wrong = explorers.product_explorer()
    wrong._say(f"{ATTACK}: {ATTACK}")
    game = explorers.goal_game()
    game.said.value = _paragraph(ATTACK)
    return [mine, wrong, game]


def everything():
    """Yield all of it, as a notebook shows it."""
    yield from an_exercise()
    yield predict(ATTACK, [ATTACK, "no"], answer="no", why=ATTACK)
    yield from a_count()
    yield widgets.HTML(environment._line("✗", ATTACK))
    yield a_picture(ATTACK)
    yield a_picture(f"{ATTACK}. {ATTACK * 5}")
    yield from diagnoses()
    yield from an_explorer()
