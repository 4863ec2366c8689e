"""The checkers of lesson 09: five right answers written differently, and five wrong ones, each."""

import math
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest

LESSON = Path(__file__).parents[2] / "notebooks" / "09_transformers.ipynb"


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The names of the lesson: its imports, its block by hand, and its exercises."""
    names = {}
    with matplotlib.rc_context():  # the set-up takes the course's style into use: here, not for all
        for cell in nbformat.read(LESSON, as_version=4).cells:
            if cell.id in ("setup", "block-run") or cell.id.startswith("exercise-"):
                exec(cell.source, names)
    return names


def relative(x):
    return x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True))


def by_loop(x):
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        out[place] = x[place] / math.sqrt(sum(x[place] ** 2) / len(x[place]))
    return out


def count_by_formula(start, goal):
    # the odds c / (1 - c) double less: 1/c - 1 halves exactly
    return math.floor(math.log2((1 / start - 1) / (1 / goal - 1))) + 1


def count_by_for(start, goal):
    for blocks in range(1, 1000):
        start = 2 * start / (1 + start)
        if start > goal:
            return blocks


def count_by_distance(start, goal):
    blocks, distance = 0, 1 - start
    while distance >= 1 - goal:
        distance = distance / (2 - distance)
        blocks += 1
    return np.int64(blocks)


def count_recursively(start, goal):
    return 0 if start > goal else 1 + count_recursively(2 * start / (1 + start), goal)


def count_in_a_list(start, goal):
    path = [start]
    while path[-1] <= goal:
        path.append(2 / (1 / path[-1] + 1))
    return float(len(path) - 1)


def count(step, start, goal):
    blocks = 0
    while start <= goal and blocks < 200:
        start = step(start)
        blocks += 1
    return blocks


def back(delta, x, epsilon=0.0):
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    z = centred / spread
    shared = delta.mean(-1, keepdims=True) + z * (delta * z).mean(-1, keepdims=True)
    return (delta - shared) / spread


def back_by_jacobian(delta, x):
    out = np.empty_like(x)
    n = x.shape[-1]
    for place in np.ndindex(x.shape[:-1]):
        z = (x[place] - x[place].mean()) / x[place].std()
        jacobian = (np.eye(n) - 1 / n - np.outer(z, z) / n) / x[place].std()
        out[place] = jacobian @ delta[place]
    return out


def back_by_differences(delta, x):
    out = np.empty_like(x)
    for unit in range(x.shape[-1]):
        losses = []
        for sign in (1, -1):
            moved = x.copy()
            moved[..., unit] += sign * 1e-5
            z = (moved - moved.mean(-1, keepdims=True)) / moved.std(-1, keepdims=True)
            losses.append((delta * z).sum(-1))
        out[..., unit] = (losses[0] - losses[1]) / 2e-5
    return out


def back_in_two_steps(delta, x):
    spread = x.std(-1, keepdims=True)
    z = (x - x.mean(-1, keepdims=True)) / spread
    tangent = delta - z * (delta * z).sum(-1, keepdims=True) / x.shape[-1]
    return (tangent - tangent.mean(-1, keepdims=True)) / spread


def back_with_sums(delta, x):
    n = x.shape[-1]
    spread = np.sqrt(x.var(-1, keepdims=True))
    z = (x - x.sum(-1, keepdims=True) / n) / spread
    taken = n * delta - delta.sum(-1, keepdims=True) - z * (delta * z).sum(-1, keepdims=True)
    return taken / (n * spread)


RIGHT = {
    "exercise_he": [3, 3.0, np.float32(3), np.array([3.0]), 1 + 2 * 0.5 * 2],
    "exercise_rms": [
        relative,
        by_loop,
        lambda x: x * (x**2).mean(-1, keepdims=True) ** -0.5,
        lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True) * np.sqrt(x.shape[-1]),
        lambda x: x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6),  # Keras's epsilon
    ],
    "exercise_map": [
        count_by_formula,
        count_by_for,
        count_by_distance,
        count_recursively,
        count_in_a_list,
    ],
    "exercise_back": [
        back,
        back_by_jacobian,
        back_by_differences,
        back_in_two_steps,
        back_with_sums,
        lambda delta, x: back(delta, x, epsilon=1e-3),  # Keras's
    ],
}
WRONG = {  # answer, and a word of what is said to it
    "exercise_he": [
        (2, "MLP alone"),
        (1.5, "Glorot"),
        (np.sqrt(3), "root"),
        (5, "halves"),
        (4, "isn't it"),
        (None, "None"),
    ],
    "exercise_rms": [
        (lambda x: (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True), "LayerNorm"),
        (lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), "mean"),
        (lambda x: x / np.sqrt((x**2).mean(-2, keepdims=True)), "over the tokens"),
        (lambda x: x / (x**2).mean(-1, keepdims=True), "root is missing"),
        (lambda x: x / x.std(-1, keepdims=True), "spread"),
        (lambda x: x / np.sqrt((x**2).mean()), "isn't it"),
    ],
    "exercise_map": [
        (lambda start, goal: count_by_for(start, goal) + 1, "too many"),
        (lambda start, goal: count_by_for(start, goal) - 1, "too few"),
        (lambda start, goal: count(lambda c: (1 + c) / 2, start, goal), "halves"),
        (lambda start, goal: count(lambda c: 2 * c, start, goal), "norm"),
        (lambda start, goal: goal, "isn't it"),
    ],
    "exercise_back": [
        (lambda delta, x: delta / x.std(-1, keepdims=True), "two terms"),
        (
            lambda delta, x: (
                back(delta, x) + delta.mean(-1, keepdims=True) / x.std(-1, keepdims=True)
            ),
            "mean of delta",
        ),
        (
            lambda delta, x: (delta - delta.mean(-1, keepdims=True)) / x.std(-1, keepdims=True),
            "z times",
        ),
        (lambda delta, x: back(delta, x) * x.std(-1, keepdims=True), "division"),
        (lambda delta, x: back(delta, x) * x.std(-1, keepdims=True) ** 2, "multiply"),
        (lambda delta, x: -back(delta, x), "isn't it"),
    ],
}


def answers(table):
    return [
        pytest.param(name, answer, id=f"{name}-{number}")
        for name, several in table.items()
        for number, answer in enumerate(several)
    ]


@pytest.mark.parametrize(("name", "answer"), answers(RIGHT))
def test_a_right_answer_counts_however_it_is_written(lesson, name, answer):
    assert not lesson[name].checker(answer)


@pytest.mark.parametrize(("name", "case"), answers(WRONG))
def test_a_wrong_answer_is_told_why(lesson, name, case):
    answer, word = case
    assert word in lesson[name].checker(answer)


def test_there_are_five_of_each():
    for table in (RIGHT, WRONG):
        assert min(len(several) for several in table.values()) >= 5
