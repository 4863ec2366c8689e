"""The clinic: what is planted can be seen, and an exam hides it and checks."""

import helpers  # isort: skip

import numpy as np
import pytest

from helpers.diagnosis import diagnose
from helpers.diagnosis.clinic import CLINIC, Chart, Exam

# what `diagnose` should call each of them
VERDICTS = {
    "vanishing through layers": "vanishing",
    "vanishing through time": "vanishing",
    "exploding": "exploding",
    "saturated": "saturated",
    "dead units": "dying",
    "symmetric units": "symmetric units",
    "identical kernels": "identical kernels",
    "frozen layer": "frozen",
    "unscaled inputs": "unscaled inputs",
    "rate too large": "update ratio off",
    "rate too small": "update ratio off",
    "no activation": "no activation",
    "wrong head": "wrong head or loss",
}


@pytest.mark.parametrize("name", CLINIC)
def test_a_patient_has_the_one_illness_that_its_name_says(name):
    for seed in (7, 1008):
        found = diagnose(*CLINIC[name](seed))
        assert found.verdict == VERDICTS[name], seed
        assert not found.also, [other.name for other in found.also]


@pytest.mark.parametrize("name", CLINIC)
def test_a_patient_depends_on_its_seed_alone(name):
    first, again, other = [CLINIC[name](seed) for seed in (3, 3, 4)]
    kernels = [model.get_weights()[0] for model, _, _ in (first, again, other)]
    assert np.array_equal(kernels[0], kernels[1])
    assert np.array_equal(first[1], again[1]) and np.array_equal(first[2], again[2])
    # another seed, another size or other numbers; of a frozen layer, too
    assert not np.array_equal(kernels[0], kernels[2])


def test_an_exam_draws_six_without_repetition_and_in_the_end_all():
    drawn = [Exam(seed).names for seed in range(20)]
    assert all(len(set(names)) == 6 and set(names) <= set(CLINIC) for names in drawn)
    assert {name for names in drawn for name in names} == set(CLINIC)
    assert Exam(3).names == Exam(3).names != Exam(4).names


def test_a_chart_shows_numbers_and_no_name():
    exam = Exam(0)
    for number, name in enumerate(exam.names, start=1):
        text = repr(exam.show(number)) + exam.show(number)._repr_html_()
        assert f"patient {number}" in text and "update ratio" in text
        assert name not in text and VERDICTS[name].capitalize() not in text


def test_a_chart_tells_kernels_that_are_the_same():
    model, x, y = CLINIC["identical kernels"](5)
    spread = Chart("", model, x, y).rows()["kernel"]
    assert spread["hidden_2"] == spread["hidden_3"] != spread["output"]


def test_an_exam_checks_names():
    exam = Exam(1)
    right = list(exam.names)
    assert exam.check(right) is None
    assert exam.check(tuple(name.upper() + " " for name in right)) is None
    assert exam.check(dict(enumerate(right))) is None
    assert "patient 2, 3" in exam.check([right[0], right[2], right[1], *right[3:]])
    assert "5" in exam.check(right[:5])
    assert "none of the names" in exam.check(["influenza", *right[1:]])
    assert "no name yet" in exam.check([..., *right[1:]])


@pytest.mark.parametrize("arguments", [(-1,), (0.5,), (0, 0), (0, 99)])
def test_an_exam_refuses_what_cannot_be(arguments):
    with pytest.raises(ValueError, match="must be a whole number"):
        Exam(*arguments)


@pytest.mark.parametrize("number", [0, 7, "2"])
def test_an_exam_has_no_other_patients(number):
    with pytest.raises(ValueError, match="number must be"):
        Exam(0).patient(number)
