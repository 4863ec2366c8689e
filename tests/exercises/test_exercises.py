import html
import json

import numpy as np
import pytest

from helpers import exercises
from helpers.exercises import Exercise, compare, predict, tally


def ask(question="How much?"):
    return predict(question, ["10", "1000", "<a lot>"], answer="1000", why="Because 10 < 1000.")


def choose(prediction, option):
    prediction.chosen = option


def on_the_page(prediction):
    """Return all that is sent to the browser but the question and its options."""
    state = prediction.get_state(["chosen", "right", "verdict", "text", "notice"])
    return json.dumps(state, ensure_ascii=False)


def test_nothing_is_told_before_a_choice_and_a_run():
    prediction = ask()
    assert prediction.chosen is None and not prediction.is_revealed
    assert "1000" not in on_the_page(prediction)
    choose(prediction, "10")
    assert "You say: 10." in on_the_page(prediction)
    assert "1000" not in on_the_page(prediction)
    assert not {"answer", "why"} & set(prediction.get_state())


@pytest.mark.parametrize(
    ("option", "mark"), [("1000", "✓ You said so."), ("<a lot>", "✗ You said: <a lot>.")]
)
def test_a_run_answers_a_choice_which_then_stands(option, mark):
    prediction = ask()
    choose(prediction, option)
    prediction.decide()
    assert prediction.verdict == mark and prediction.right == "1000"
    assert prediction.text == "The answer: 1000. Because 10 < 1000."
    choose(prediction, "10")
    assert prediction.chosen == option and ask().chosen == option


def test_who_has_not_chosen_is_told_once_they_have():
    prediction = ask()
    prediction.decide()
    assert not prediction.is_revealed and "1000" not in on_the_page(prediction)
    assert "Choose now" in prediction.text
    choose(prediction, "10")
    assert prediction.is_revealed and prediction.verdict == "✗ You said: 10."


def test_what_is_no_option_is_no_choice():
    prediction = ask()
    choose(prediction, "7")
    assert prediction.chosen is None and not exercises.PROGRESS.exists()


def test_choices_survive_a_restart_and_can_be_changed():
    choose(ask("First?"), "10")
    choose(ask("Second?"), "1000")
    again = ask("First?")
    assert again.chosen == "10" and "You say: 10." in again.verdict and not again.is_revealed
    choose(again, "1000")
    assert ask("First?").chosen == "1000" and ask("Second?").chosen == "1000"
    assert ask("Third?").chosen is None


def test_forgetting_begins_anew():
    exercises.forget()  # nothing there yet
    choose(ask(), "10")
    exercises.forget()
    assert ask().chosen is None


def test_the_tally_counts():
    made = ask("a?")
    wrong = ask("b?")
    open_ = ask("c?")
    choose(made, "1000")
    choose(wrong, "10")
    assert "2 of 3 predictions; 1 came true" in tally(made, wrong, open_).value


def test_an_option_that_is_gone_is_forgotten():
    exercises.PROGRESS.write_text('{"How much?": "7"}')
    assert ask().chosen is None


def test_a_wrong_answer_key_is_named():
    with pytest.raises(ValueError, match=r"one of the options \['a', 'b'\]; got 'c'"):
        predict("?", ["a", "b"], answer="c", why="")


# --- exercises


def double(answer):
    """Check a function that doubles: the kind of checker that a notebook writes."""
    value = np.asarray(answer([1.0, 3.0]), float)
    if value.shape != (2,):
        return f"Give one number for each; yours has shape {value.shape}."
    if np.allclose(value, [1, 9]):
        return "That is the square, `x ** 2`: double means twice as much, not <times itself>."
    return None if np.allclose(value, [2, 6]) else "Those aren't the doubles."


def task(**changes):
    parts = {
        "question": "Write `double(x)`.",
        "checker": double,
        "hints": ["What is twice 3?", "`2 * x`"],
        "solution": "def answer(x):\n    return 2 * np.asarray(x)",
    }
    parts |= changes
    return Exercise(parts.pop("question"), **parts)


@pytest.mark.parametrize(
    "answer",
    [lambda x: [2 * v for v in x], lambda x: 2 * np.array(x)],
    ids=["list", "array"],
)
def test_any_right_answer_is_right_and_stays_solved(answer):
    exercise = task()
    assert not exercise.solved and "solved" not in exercise._title.value
    assert "✓ Right" in exercise.check(answer).value
    assert exercise.solved and task().solved and "✓ solved" in task()._title.value
    assert "✗" in exercise.check(lambda x: x).value and task().solved


def test_a_wrong_answer_hears_its_misconception():
    exercise = task()
    said = exercise.check(lambda x: np.square(x)).value
    assert "✗ Not yet" in said and ">x ** 2</code>" in said and "&lt;times itself&gt;" in said
    assert not exercise.solved and not exercises.PROGRESS.exists()


@pytest.mark.parametrize(
    "answer", [..., [..., ...], lambda x: ...], ids=["dots", "a list of dots", "a function of dots"]
)
def test_an_untouched_answer_is_neither_right_nor_wrong(answer):
    exercise = task()
    said = exercise.check(answer).value
    assert "Not answered yet" in said and "✗" not in said and not exercise.solved


@pytest.mark.parametrize(
    ("answer", "last_line"),
    [
        (lambda x: 2 * undefined, "NameError: name 'undefined' is not defined"),  # noqa: F821
        (lambda: 2, "TypeError: <lambda>() takes 0 positional arguments but 1 was given"),
        (7, "TypeError: 'int' object is not callable"),
        (lambda x: "a < b", "ValueError: could not convert string to float: 'a < b'"),
    ],
)
def test_a_crash_is_one_sentence_and_no_stack_trace(answer, last_line):
    exercise = task()
    said = exercise.check(answer).value
    assert "Could not be run" in said and last_line in html.unescape(said)
    assert "Traceback" not in said and not exercise.solved


def test_an_interrupt_is_not_kept_from_the_learner():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        task().check(interrupted)


def test_hints_come_in_order_and_the_buttons_give_the_same():
    exercise = task()
    hint, show = exercise.children[1].children
    hint.click()
    assert "Hint 1 of 2." in exercise._reply.value and "twice 3" in exercise._reply.value
    assert ">2 * x</code>" in exercise.hint().value
    assert "Hint 2 of 2." in exercise.hint().value
    show.click()
    assert exercise._reply.value == exercise.solution().value
    assert "    return 2 * np.asarray(x)" in exercise.solution().value


def test_a_function_is_shown_under_the_name_that_the_question_gives_it():
    recursive = "def answer(x):\n    return x and 2 + answer(x - 1)"
    shown = task(solution=recursive).solution().value
    assert "def double(x):\n    return x and 2 + double(x - 1)" in shown and "answer" not in shown
    number = task(question="Use `log(x)`: how much?", solution="answer = np.log(2)")
    assert "answer = np.log(2)" in number.solution().value
    assert "the name that your cell checks" in number.solution().value


def test_the_solution_is_run_and_checked_in_its_notebook():
    assert not task().try_solution({"np": np})
    assert "square" in task(solution="answer = np.square").try_solution({"np": np})
    with pytest.raises(NameError):
        task().try_solution({})


def test_a_solution_without_an_answer_is_refused():
    with pytest.raises(ValueError, match="must be code that assigns answer; got 'double = 2'"):
        task(solution="double = 2")


def test_the_tally_counts_exercises_too():
    solved = task(question="One?")
    open_ = task(question="Two?")
    solved.check(lambda x: 2 * np.array(x))
    assert "0 of 1 predictions; 0 came true. You solved 1 of 2 exercises." in (
        tally(ask(), solved, open_).value
    )


@pytest.mark.parametrize("answer", [[1, 0, 3.0005], np.array([[1], [0], [3]]), (1.0, 1e-10, 3.0)])
def test_numbers_are_right_however_they_are_written(answer):
    assert compare(answer, [1, 0, 3]) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([-1, 0, -3], "Turn the sign."),
        ([1, 0, 3.1], "That isn't it"),
        ([1, 0, np.nan], "division by 0"),
        ([1, 0, np.inf], "division by 0"),
        (None, "is a `return` missing?"),
        ([1, None, 3], "is a `return` missing?"),
        ("1", "leave out the quotation marks"),
        ([1, 1e-3, 3], "That isn't it"),
        (4, "That's the sum."),
        (5, "should be (3,); yours is a single number"),
        ([1, 0], r"should be (3,); yours is (2,)"),
    ],
)
def test_wrong_numbers_hear_what_led_to_them(answer, said):
    assert said in compare(answer, [1, 0, 3], {"Turn the sign.": [-1, 0, -3], "That's the sum.": 4})


def test_a_number_rounded_too_far_is_asked_for_one_more_digit():
    right = np.sqrt(6 / 400)  # 0.12247
    for answer in (0.1, 0.12, [0.12], 0.122):
        assert compare(answer, right) == "Right as far as it goes: give one more digit."
    assert compare(0.1225, right) is None and compare(0.122, right, rtol=5e-3) is None
    assert "That isn't it" in compare(0.13, right)
    assert compare(0.12, right, {"Another slip.": 0.12}) == "Another slip."
    assert "That isn't it" in compare(110, 111)  # a count isn't rounded


def test_an_array_in_place_of_one_number_is_named():
    assert compare([1, 2], 1) == "One number is asked for; yours has shape (2,)."
    assert compare([1], 1) is None
