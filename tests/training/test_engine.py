"""The compiled engine inside this process: one program for every setting, threads, its limits."""

import helpers  # isort: skip
import itertools
import threading

import numpy as np
import pytest
import xarray as xr

from helpers import catalogue, data, training
from helpers.training import activation_loops, engine, native, optimizers, plan
from tests.training.readable import small
from tests.training.runs import RUNS, train


def test_no_setting_compiles_the_engine_again():
    train("skip")
    compiled = list(engine.advance.signatures)
    kinds = itertools.cycle([None, *catalogue.NORMALIZATIONS])
    names = itertools.cycle(training.OPTIMIZERS)
    clips = itertools.cycle([None, ("global_norm", 1.0), ("norm", 1.0), ("value", 0.1)])
    activations = [*catalogue.ACTIVATIONS] * 2
    for number, activation in enumerate(activations):
        training.train(
            activation,
            "he_normal",
            dataset=small(classes=2 + number % 2),
            depth=1 + number % 5,
            width=1 + 7 * (number % 8),  # 50 calls BLAS
            normalization=next(kinds),
            residual=number % 3 == 0,
            optimizer=next(names),
            clip=next(clips),
            epochs=1,
            batch_size=1 + number,
            num_replicates=1 + number % 3,
            keep=("kernel",) if number % 2 else (),
            record_every=1 + number,
        )
    for name in RUNS:
        train(name)
    assert engine.advance.signatures == compiled


@pytest.mark.parametrize("activation", ["tanh", "rrelu"])
def test_on_many_threads_it_computes_as_on_one(activation, monkeypatch):
    run = {"activation": activation, "num_replicates": 7, "normalization": "batch", "epochs": 3}
    calls = []
    advance = engine.advance

    def watched(*arguments):
        calls.append((threading.current_thread().name, len(arguments[2].parameters)))
        advance(*arguments)

    monkeypatch.setattr(engine, "advance", watched)
    monkeypatch.setattr(native, "processors", lambda: 1)
    one = train("skip", **run)
    assert {replicates for _, replicates in calls} == {7}
    calls.clear()
    monkeypatch.setattr(native, "processors", lambda: 3)
    many = train("skip", **run)
    assert {replicates for _, replicates in calls} == {2, 3}
    by_chunk = [{thread for thread, _ in calls[k : k + 3]} for k in range(0, len(calls), 3)]
    assert all(len(threads) == 3 for threads in by_chunk)
    xr.testing.assert_identical(many, one)


def test_trainings_at_the_same_time_do_not_meet():
    """Explorers train in threads of their own, beside the lesson's."""
    expected = [train(name, num_replicates=2, epochs=40) for name in RUNS]
    found = [None] * len(RUNS)

    def into(place, name):
        found[place] = train(name, num_replicates=2, epochs=40)

    threads = [threading.Thread(target=into, args=pair) for pair in enumerate(RUNS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ours, alone in zip(found, expected, strict=True):
        xr.testing.assert_identical(ours, alone)


def test_a_run_that_is_cut_into_parts_is_the_same(monkeypatch):
    """The engine comes back to Python to hear an interrupt; that must change nothing."""
    for name in RUNS:
        whole = train(name)
        with monkeypatch.context() as patch:
            patch.setattr(native, "LONGEST_CALL", 1)  # one step at a time
            xr.testing.assert_identical(train(name), whole)


def test_what_a_callback_raises_comes_out_and_the_next_run_works():
    def broken(share):
        raise KeyError("the learner's own")

    for replicates in (1, 4):
        with pytest.raises(KeyError, match="the learner's own"):
            train("skip", num_replicates=replicates, progress=broken)
        assert train("skip", num_replicates=replicates).loss.notnull().all()


@pytest.mark.parametrize("num_replicates", [1, 5])
def test_a_stopped_run_holds_the_rows_that_it_reached(num_replicates):
    run = {"epochs": 30, "num_replicates": num_replicates, "record_every": 4}
    whole = train("batch", **run)
    asked = []

    def third_time():
        asked.append(1)
        return len(asked) == 3

    part = train("batch", stop=third_time, **run)
    assert len(asked) == 3
    assert part.attrs["stopped"] == 1
    assert part.step.values.tolist() == list(range(0, 15, 4))  # 60 steps, asked after each 5
    xr.testing.assert_identical(part.drop_attrs(), whole.sel(step=part.step).drop_attrs())


def test_in_a_run_without_updates_the_initial_network_is_measured():
    told = []
    run = train("batch", epochs=0, progress=told.append)
    assert run.sizes["step"] == 1
    xr.testing.assert_identical(run.drop_attrs(), train("batch").isel(step=[0]).drop_attrs())
    assert told == [1]


@pytest.mark.parametrize("normalization", [None, *catalogue.NORMALIZATIONS])
def test_accuracy_and_probes_of_more_points_than_fit_the_room(normalization):
    """Looked at SCORE_EXAMPLES at a time; a normalisation over examples sees all at once."""
    dataset = data.circles(2 * engine.SCORE_EXAMPLES + 100)
    run = {"dataset": dataset, "epochs": 1, "record_every": 50, "normalization": normalization}
    found = training.train("tanh", "he_normal", probe=dataset.x, **run)
    right = (found.output.values > 0.5) == dataset.y
    np.testing.assert_allclose(found.accuracy, right.mean(axis=-1), atol=1e-6)
    alone = training.train("tanh", "he_normal", **run)
    np.testing.assert_array_equal(alone.accuracy, found.accuracy)


def test_the_engine_s_names_are_those_of_the_course():
    """Each name that a learner may give has its number in the engine."""
    assert set(native.LOSSES) == {loss for losses in plan.LOSSES.values() for loss in losses}
    assert native.CLIPS.keys() == optimizers.CLIPS.keys()
    assert native.NORMALIZED.keys() == catalogue.normalizations.AXES.keys()
    loops = {entry.loop for entry in catalogue.ACTIVATIONS.values()} - {None}
    assert loops == activation_loops.LOOPS.keys()
    # the others are compiled as they are, with the same result
    with_loops = [e for e in catalogue.ACTIVATIONS.values() if e.loop or e.slope is not None]
    assert len(with_loops) >= 14
    assert len(optimizers.Update()) == 8  # that many numbers does engine.update read
