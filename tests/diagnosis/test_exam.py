"""An exam of planted networks: nothing gives them away but their numbers, and names are checked."""

import helpers  # isort: skip
import warnings

import numpy as np
import pytest

from helpers.diagnosis.exam import ILLNESSES, Chart, Exam
from helpers.diagnosis.planted import FAULTS


def chart_of(name, seed=5):
    # Keras warns of two of the faults by itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Chart("patient 1", *FAULTS[name].make(seed))


def test_an_exam_draws_six_without_repetition_and_in_the_end_all():
    drawn = [Exam(seed).names for seed in range(20)]
    assert all(len(set(names)) == 6 and set(names) <= set(ILLNESSES) for names in drawn)
    assert {name for names in drawn for name in names} == set(ILLNESSES)
    assert Exam(3).names == Exam(3).names != Exam(4).names


def test_a_patient_is_the_same_each_time():
    first, again = (Exam(2).patient(1) for _ in range(2))
    for one, other in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert np.array_equal(first.x, again.x, equal_nan=True)


def test_every_illness_can_be_charted_and_no_chart_names_it():
    for verdict, faults in ILLNESSES.items():
        chart = chart_of(faults[0])
        text = repr(chart) + chart._repr_html_()
        assert "patient 1" in text and "targets from" in text
        assert faults[0] not in text and f"{verdict.capitalize()}:" not in text


def test_a_chart_tells_kernels_that_are_the_same():
    spread = chart_of("shared initializer").rows()["kernel"].tolist()
    assert spread[1] == spread[2] != spread[-1]


def test_a_chart_says_that_the_loss_takes_logits():
    assert "crossentropy from logits" in chart_of("softmax twice").facts
    assert "from logits" not in chart_of("missing softmax").facts
    assert "targets from -1 to 1" in chart_of("labels -1 and 1").facts


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


def test_where_a_fault_has_two_names_both_are_right():
    both = FAULTS["too large init, tanh"].verdicts
    exam = next(
        exam for exam in map(Exam, range(200)) if both in [fault.verdicts for fault in exam._faults]
    )
    answers = list(exam.names)
    place = [fault.verdicts for fault in exam._faults].index(both)
    for name in both:
        answers[place] = name
        assert exam.check(answers) is None
    answers[place] = "dying"
    assert f"patient {place + 1}" in exam.check(answers)


@pytest.mark.parametrize("arguments", [(-1,), (0.5,), (0, 0), (0, 99)])
def test_an_exam_refuses_what_cannot_be(arguments):
    with pytest.raises(ValueError, match="must be a whole number"):
        Exam(*arguments)


@pytest.mark.parametrize("number", [0, 7, "2"])
def test_an_exam_has_no_other_patients(number):
    with pytest.raises(ValueError, match="number must be"):
        Exam(0).patient(number)
