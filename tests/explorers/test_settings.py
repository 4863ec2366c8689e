import ipywidgets as widgets
import numpy as np
import pytest

from helpers.explorers import settings
from helpers.explorers.controls import choice, new_draw, number, steps, whole

CONTROLS = {
    "activation": choice(["tanh", "relu"], "tanh", description="activation"),
    "skip": choice([("none", False), ("a + φ(z)", True)], False, description="skip"),
    "depth": whole(4, 1, 50, description="depth"),
    "spread": number(1.0, 0.1, 5, step=0.1, decimals=1, description="spread"),
    "rate": steps((0.001, 0.01, 1.0), 0.01, description="rate"),
    "seed": new_draw(),
}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("activation", "relu", "relu"),
        ("skip", True, "a_+_φ(z)"),
        ("depth", 17, "17"),
        ("spread", 2.3, "2.3"),
        ("rate", 0.001, "0.001"),
        ("seed", 3, "3"),
    ],
)
def test_what_is_written_is_read_back(name, value, text):
    assert settings.write(CONTROLS[name], value) == text
    assert settings.read(name, CONTROLS[name], text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("depth=deep", "depth must be a number; got 'deep'."),
        ("depth", "Expected name=value, with a name from activation"),
        ("colour=red", "Expected name=value, with a name from activation"),
        ("activation=tahn", "activation must be one of tanh, relu; got 'tahn'."),
        ("skip=maybe", "skip must be one of none, a_+_φ(z); got 'maybe'."),
    ],
)
def test_a_slip_is_answered_in_words(text, reason):
    with pytest.raises(ValueError) as error:
        settings.parse(text, CONTROLS)
    assert str(error.value).startswith(reason)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("depth", 0, "depth must be a whole number from 1 to 50; got 0."),
        ("depth", 51, "depth must be a whole number from 1 to 50; got 51."),
        ("depth", 2.5, "depth must be a whole number"),
        ("depth", True, "depth must be a whole number"),
        ("depth", "4", "depth must be a whole number"),
        ("spread", np.nan, "spread must be a number from 0.1 to 5; got nan."),
        ("rate", 0.5, "rate must be one of 0.001, 0.01, 1.0; got 0.5."),
        ("rate", True, "rate must be one of"),
        ("skip", 0, "skip must be one of False, True; got 0."),
        ("skip", "none", "skip must be one of False, True; got 'none'."),
        ("activation", ["tanh"], "activation must be one of"),
        ("seed", -1, "seed must be a whole number, 0 or more; got -1."),
        ("dept", 3, "Unknown control 'dept'. Allowed: activation, skip, depth"),
    ],
)
def test_a_value_that_no_control_takes_is_refused(name, value, reason):
    with pytest.raises(ValueError) as error:
        settings.check(CONTROLS, {name: value})
    assert str(error.value).startswith(reason)


def test_numbers_of_numpy_are_numbers():
    settings.check(CONTROLS, {"depth": np.int64(3), "spread": np.float32(2), "rate": np.float64(1)})


def test_every_kind_of_control_is_either_a_choice_or_a_number_or_a_button():
    kinds = [settings.is_choice(control) for control in CONTROLS.values()]
    assert kinds == [True, True, False, False, True, False]
    assert isinstance(CONTROLS["seed"], widgets.Button)
