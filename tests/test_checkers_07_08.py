"""The checkers of lessons 07 and 08: right however it is written, wrong with its misconception.

The exercises are taken from the notebooks themselves, with their set-up cell.
"""

import functools
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
THETA = 13.0  # the norm of the two arrays with which clipping is checked


@functools.cache
def exercises(lesson):
    """Run set-up and exercises of a lesson; return its names."""
    names = {}
    with matplotlib.rc_context():  # the set-up takes the course's style into use: here, not for all
        for cell in nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4).cells:
            if cell.id == "setup" or "Exercise(" in cell.source:
                exec(cell.source, names)
    return names


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what is solved is written down beside the notebook


def said_of(lesson, exercise, answer):
    return exercises(lesson)[exercise].check(answer).value


def norm_factor(phi, slope, over, *, size=np.var, power=0.5):
    z = np.random.default_rng(1).standard_normal(200_000)
    below = size(phi(z)) if over == "examples" else np.mean(phi(z) ** 2)
    return (np.mean(slope(z) ** 2) / below) ** power


def norm_by_grid(phi, slope, over):
    z = np.linspace(-9, 9, 4001)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    mean = (phi(z) @ weight) ** 2 if over == "examples" else 0
    return np.sqrt((slope(z) ** 2 @ weight) / (phi(z) ** 2 @ weight - mean))


def norm_by_loop(phi, slope, over):
    draws = np.random.default_rng(2).standard_normal((20, 20_000))
    spread = np.mean([np.mean(phi(z) ** 2) for z in draws])
    if over == "examples":
        spread -= np.mean([phi(z).mean() for z in draws]) ** 2
    return [np.sqrt(np.mean([np.mean(slope(z) ** 2) for z in draws]) / spread)]


def through_time(states, kernel, last, *, slope=True, back=None, now=0):
    delta = last
    total = np.zeros_like(kernel)
    for t in range(len(states) - 1, 0, -1):
        delta_z = delta * (1 - states[t] ** 2) if slope else delta
        total += np.outer(states[t - 1 + now], delta_z)
        delta = delta_z @ (kernel.T if back is None else back)
    return total


def through_time_by_recursion(states, kernel, last):
    if len(states) == 1:
        return 0 * kernel
    delta_z = last * (1 - states[-1] ** 2)
    return states[-2][:, None] * delta_z + through_time_by_recursion(
        states[:-1], kernel, kernel @ delta_z
    )


def through_time_in_arrays(states, kernel, last):
    deltas = [last * (1 - states[-1] ** 2)]
    for h in states[-2:0:-1]:
        deltas.append((1 - h**2) * (kernel @ deltas[-1]))
    return states[:-1].T @ np.array(deltas[::-1])


def through_time_in_einsum(states, kernel, last):
    delta, parts = last, []
    for before, after in zip(states[:-1][::-1], states[1:][::-1], strict=True):
        z = delta - delta * after**2
        parts.append(np.einsum("i,j->ij", before, z))
        delta = np.einsum("ij,j->i", kernel, z)
    return np.sum(parts, axis=0).tolist()


def through_time_by_jacobians(states, kernel, last):
    total = np.zeros(kernel.shape)
    for t in range(1, len(states)):
        delta = last
        for later in range(len(states) - 1, t, -1):
            delta = kernel @ np.diag(1 - states[later] ** 2) @ delta
        total += np.outer(states[t - 1], (1 - states[t] ** 2) * delta)
    return total


def global_norm(parts):
    return np.sqrt(sum(np.sum(np.square(part)) for part in parts))


def clip_with_where(gradients, threshold):
    norm = np.linalg.norm(np.concatenate([np.ravel(part) for part in gradients]))
    return [np.where(norm > threshold, part / norm * threshold, part) for part in gradients]


def clip_with_if(gradients, threshold):
    norm = global_norm(gradients)
    if norm <= threshold:
        return gradients
    return tuple(threshold * part / norm for part in gradients)


def clip_in_place(gradients, threshold):
    norm = global_norm(gradients)
    for part in gradients:
        part *= min(1, threshold / norm)
    return gradients


def clip_to_lists(gradients, threshold):
    factor = 1 / max(1, global_norm(gradients) / threshold)
    return [(factor * part).tolist() for part in gradients]


def clip_in_float32(gradients, threshold):
    norm = np.hypot(*[np.linalg.norm(part) for part in gradients])
    return [np.float32(part * min(threshold / norm, 1.0)) for part in gradients]


R07 = "07_remedies"
R08 = "08_through_time"
RIGHT = [
    (R07, "exercise_blocks", [13, 13.0, np.int64(13), [13], np.floor(np.log(1e4) / np.log(2))]),
    (
        R07,
        "exercise_alpha",
        [
            lambda depth, growth: np.sqrt(growth ** (2 / depth) - 1),
            lambda depth, growth: -((growth ** (2 / depth) - 1) ** 0.5),  # as good
            lambda depth, growth: np.sqrt(np.expm1(2 * np.log(growth) / depth)),
            lambda n, g: float(np.exp(0.5 * np.log(np.power(g, 2 / n) - 1))),
            lambda depth, growth: np.tan(np.arccos(growth ** (-1 / depth))),
            lambda depth, growth: np.sqrt([growth ** (2 / depth) - 1]),
        ],
    ),
    (
        R07,
        "exercise_step",
        [
            lambda g, rate, e: rate * g / (np.abs(g) + e),  # the textbook's
            lambda g, rate, e: rate * g / (np.abs(g) + e / np.sqrt(0.001)),  # Keras's
            lambda g, rate, e: rate * np.sign(g) / (1 + e / np.abs(g)),
            lambda g, rate, e: [rate * v / (abs(v) + e) for v in g],
            lambda g, rate, e: (
                rate * np.sqrt(1 - 0.999) / (1 - 0.9) * (0.1 * g) / (np.sqrt(0.001 * g**2) + e)
            ),
            lambda g, rate, e: rate * (0.1 * g / 0.1) / (np.sqrt(0.001 * g**2 / 0.001) + e),
        ],
    ),
    (
        R07,
        "exercise_norm",
        [
            norm_factor,
            norm_by_grid,
            norm_by_loop,
            lambda *how: norm_factor(*how, size=lambda a: np.std(a) ** 2),
            lambda *how: np.exp(0.5 * np.log(norm_factor(*how, power=1))),
        ],
    ),
    (
        R08,
        "exercise_forget",
        [
            3.755,
            3.75,  # two decimals, cut
            3.76,  # two decimals, rounded
            np.log(0.1**0.01 / (1 - 0.1**0.01)),
            -np.log(10**0.01 - 1),
            [np.log(10 ** (-1 / 100)) - np.log1p(-(10 ** (-1 / 100)))],
        ],
    ),
    (
        R08,
        "exercise_scale",
        [
            lambda g: 2.0 ** np.floor(np.log2(65504 / np.abs(g).max())),
            lambda g: 2 ** int(np.floor(np.log2(65504) - np.log2(np.max(np.abs(g))))),
            lambda g: max(2.0**k for k in range(-40, 41) if (np.abs(g) * 2.0**k <= 65504).all()),
            lambda g: 1 / 2.0 ** np.ceil(np.log2(np.linalg.norm(np.ravel(g), np.inf) / 65504)),
            lambda g: np.ldexp(1.0, int(np.frexp(65504 / max(g.max(), -g.min()))[1]) - 1),
        ],
    ),
    (
        R08,
        "exercise_clip",
        [clip_with_where, clip_with_if, clip_in_place, clip_to_lists, clip_in_float32],
    ),
    (
        R08,
        "exercise_through_time",
        [
            through_time,
            through_time_by_recursion,
            through_time_in_arrays,
            through_time_in_einsum,
            through_time_by_jacobians,
        ],
    ),
]
WRONG = [
    (
        R07,
        "exercise_blocks",
        {
            6: "by √2, not by 2",
            14: "one block too many",
            13.2877: "round down",
            6.6438: "its root is asked for",
            20: "the hints may help",
            "13": "quotation marks",
        },
    ),
    (
        R07,
        "exercise_alpha",
        {
            lambda depth, growth: growth ** (2 / depth) - 1: "take the root",
            lambda depth, growth: 1 / np.sqrt(depth): "here the growth is given",
            lambda depth, growth: np.sqrt(growth ** (1 / depth) - 1): "mind the root",
            lambda depth, growth: growth ** (1 / depth) - 1: "not 1 + α",
            lambda depth, growth: growth ** (1 / depth): "The skip itself passes on 1",
            lambda depth, growth: np.sqrt((growth**2 - 1) / depth): "doesn't add up",
            lambda depth, growth: None: "None in place of a number",
        },
    ),
    (
        R07,
        "exercise_step",
        {
            lambda g, rate, e: rate * g: "plain descent",
            lambda g, rate, e: -rate * g / (np.abs(g) + e / np.sqrt(0.001)): "gradient's sign",
            lambda g, rate, e: rate * np.sign(g): "equally long",
            lambda g, rate, e: rate * g / np.sqrt(0.1 * g**2 + e): "RMSprop",
            lambda g, rate, e: g / (np.abs(g) + e): "rate is missing",
            lambda g, rate, e: rate * 0.1 * g / (np.sqrt(0.001) * np.abs(g) + e): "start at 0",
            lambda g, rate, e: rate * np.abs(g) / (np.abs(g) + e): "sign is lost",
        },
    ),
    (
        R07,
        "exercise_norm",
        {
            lambda *how: norm_factor(*how, power=1): "take the root",
            lambda phi, slope, over: norm_factor(phi, slope, "examples"): "over",
            lambda phi, slope, over: norm_factor(phi, slope, "units"): "variance of φ",
            lambda *how: norm_factor(*how, power=-0.5): "Upside down",
            lambda phi, slope, over: norm_factor(
                phi, slope, "units" if over == "examples" else "examples"
            ): "other way round",
            lambda phi, slope, over: norm_factor(phi, slope, over) + 1: "the hints may help",
        },
    ),
    (
        R08,
        "exercise_forget",
        {
            0.97724: "Which b gives it",
            -3.755: "closes the gate",
            -2.1972: "over a single step",
            6.853: "to be kept, not lost",
            -0.023026: "undo the sigmoid",
            4.7: "a share of what is left",
            3.0: "the hints may help",
        },
    ),
    (
        R08,
        "exercise_scale",
        {
            lambda g: 65504 / np.abs(g).max(): "changes no digits",
            lambda g: 2.0 ** np.ceil(np.log2(65504 / np.abs(g).max())): "round down, not up",
            lambda g: np.floor(np.log2(65504 / np.abs(g).max())): "2 to that power",
            lambda g: 2.0 ** np.floor(np.log2(65504 / g.max())): "mind the negative ones",
            lambda g: 2.0 ** np.round(np.log2(65504 / np.abs(g).max())): "may be too large",
            lambda g: 2.0**15: "the hints may help",
        },
    ),
    (
        R08,
        "exercise_clip",
        {
            lambda parts, most: [p * min(1, most / np.linalg.norm(p)) for p in parts]: "its own",
            lambda parts, most: [np.clip(p, -most, most) for p in parts]: "direction is lost",
            lambda parts, most: parts: "That's unchanged",
            lambda parts, most: [p * most / global_norm(parts) for p in parts]: "stays as it is",
            lambda parts, most: [p * most / global_norm(parts) ** 2 for p in parts]: "is a root",
            lambda parts, most: [
                p * most / sum(np.linalg.norm(q) for q in parts) for p in parts
            ]: "norm of both",
            lambda parts, most: parts[:1]: "as many arrays",
        },
    ),
    (
        R08,
        "exercise_through_time",
        {
            lambda states, kernel, last: through_time(states[-2:], kernel, last): "last step only",
            lambda *how: through_time(*how, slope=False): "slope is missing",
            lambda states, kernel, last: through_time(states, kernel, last, back=kernel): (
                "transposed kernel"
            ),
            lambda *how: through_time(*how, now=1): "before",
            lambda *how: through_time(*how).T: "transpose it",
            lambda states, kernel, last: through_time(states[1:], kernel, last): "to h₀",
            lambda states, kernel, last: last: "shape should be",
        },
    ),
]


def test_every_exercise_has_five_right_and_five_wrong_answers():
    for lesson in (R07, R08):
        asked = {name for name in exercises(lesson) if name.startswith("exercise_")}
        for cases in (RIGHT, WRONG):
            enough = {exercise for where, exercise, answers in cases if len(answers) >= 5}
            here = {exercise for where, exercise, _ in cases if where == lesson}
            assert here == asked and here <= enough


@pytest.mark.parametrize(("lesson", "exercise", "answers"), RIGHT)
def test_right_answers_are_right_however_they_are_written(lesson, exercise, answers):
    for number, answer in enumerate(answers):
        assert "✓ Right" in said_of(lesson, exercise, answer), number


@pytest.mark.parametrize(("lesson", "exercise", "answers"), WRONG)
def test_wrong_answers_hear_their_misconception(lesson, exercise, answers):
    for number, (answer, misconception) in enumerate(answers.items()):
        said = said_of(lesson, exercise, answer)
        assert "✗ Not yet" in said and misconception in said, (number, said)
