"""Nasty values for the public functions: a sample here, all of them by ``make fuzz``."""

import importlib.util
import random
from pathlib import Path

import numpy as np
import pytest

from helpers import training
from helpers.catalogue import ACTIVATIONS, INITIALIZERS, Activation
from helpers.checks import affordable, shown

# by its path: the folder of the tests is no package
SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
fuzz = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz)

SAMPLE = 250  # calls of each group
GROUPS = (
    "data",
    "catalogue",
    "theory",
    "measure",
    "training",
    "recurrent",
    "transformer",
    "exercises",
    "networks",
    "models",
    "plots",
)
PATIENCE = 60  # seconds: Keras compiles a training of its own for each accepted call


@pytest.mark.parametrize("group", GROUPS)
def test_a_nasty_value_is_answered_in_our_own_words(group, tmp_path, monkeypatch):
    # an exercise reads the file of a learner's choices in the folder it runs in
    monkeypatch.chdir(tmp_path)
    every = fuzz.calls(fuzz.cases((group,)))
    wanted = random.Random(0).sample(every, min(SAMPLE, len(every)))
    leaks = [
        outcome
        for outcome in fuzz.run(wanted, PATIENCE)
        if outcome.kind not in ("clear", "accepted")
    ]
    assert leaks == []


def test_a_broken_activation_stops_no_other(monkeypatch):
    # Keras knows no "sinus": that hurts whoever builds a Keras model of it, and nobody else
    monkeypatch.setitem(ACTIVATIONS, "mine", Activation(np.sin, "sinus"))
    for name in ("tanh", "mine"):
        recording = training.train(
            name, "he_normal", dataset=fuzz.POINTS, depth=1, width=2, epochs=1, batch_size=2
        )
        assert np.isfinite(recording.loss).all()


@pytest.mark.parametrize("entry", [np.sin, "tanh", None])
def test_what_is_no_entry_never_gets_into_the_catalogue(entry):
    for catalogue in (ACTIVATIONS, INITIALIZERS):
        for add in (catalogue.__setitem__, catalogue.setdefault):
            with pytest.raises(ValueError, match="must be of the kind"):
                add("mine", entry)
        with pytest.raises(ValueError, match="must be of the kind"):
            catalogue.update(mine=entry)
        assert "mine" not in catalogue
        with pytest.raises(ValueError, match="must be a text"):
            catalogue[3] = entry


def test_a_size_that_no_memory_holds_is_refused_with_what_it_needs():
    affordable("Little", 10**8)
    with pytest.raises(ValueError, match=r"Much: that needs some 10\^10 bytes"):
        affordable("Much", 2 * 10**9)


def test_a_bad_value_is_shown_even_where_python_refuses_to_write_it():
    assert shown(10**5000) == "a value of type int"
    assert shown("a" * 1000).endswith("...")
