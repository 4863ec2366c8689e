import pytest

from helpers.explorers import gradient_explorer, settings
from helpers.explorers.controls import Steps, steps


def test_steps_say_one_value_in_both_parts():
    control = steps((2, 4, 8, 16), 8, description="width")
    for value in (16, 2):
        control.value = value
        assert control.slider.value == value and control.typed.value == str(value)
    control.slider.value = 4
    assert control.value == 4 and control.typed.value == "4"


@pytest.mark.parametrize(
    ("typed", "value"), [("4", 4), ("5", 4), ("7.5", 8), ("1000", 16), ("-3", 2), ("1e1", 8)]
)
def test_what_is_typed_counts_as_the_nearest_number(typed, value):
    control = steps((2, 4, 8, 16), 2, description="width")
    control.typed.value = typed
    assert control.value == control.slider.value == value
    assert control.typed.value == str(value)


def test_what_is_no_number_is_answered_in_words_and_changes_nothing():
    control = steps([("left out", 0), 0.5, 2], 0.5, description="scale")
    slips = []
    control.observe(lambda change: slips.append(change.new), names="slip")
    for _ in range(2):
        control.typed.value = "much"
        assert control.value == 0.5 and control.typed.value == "0.5"
    said = "scale must be a number; got 'much'."
    assert slips.count(said) == 2
    control.typed.value = "left out"
    assert control.value == 0


def test_an_explorer_says_such_a_slip(untrained):
    explorer = gradient_explorer()
    explorer.controls["width"].typed.value = "wide"
    assert explorer.verdict == "width must be a number; got 'wide'."
    explorer.controls["width"].typed.value = "7"
    assert explorer.values["width"] == 6 and "width=6" in explorer.text


def test_every_number_can_be_typed_and_every_name_is_in_a_menu(untrained):
    for name, control in gradient_explorer().controls.items():
        menus = ("activation", "initializer", "dataset", "normalization", "residual", "optimizer")
        if settings.is_choice(control):
            assert isinstance(control, Steps) == (name not in menus)
