"""`Network`: what everything passes on."""

import dataclasses

import numpy as np
import pytest

from helpers.catalogue import ACTIVATIONS, INITIALIZERS, NORMALIZATIONS, Network

GOOD = {"activation": "tanh", "initializer": "he_normal"}


def test_it_looks_its_names_up_in_the_catalogue():
    network = Network("prelu", "orthogonal", 3, 7, "rms", True)
    assert network.phi is ACTIVATIONS["prelu"]
    assert network.sampler is INITIALIZERS["orthogonal"]
    assert network.normalizer is NORMALIZATIONS["rms"]
    assert Network(**GOOD).normalizer is None


def test_it_names_and_sizes_its_layers():
    network = Network(**GOOD, depth=3, width=7)
    assert network.layers == ["hidden_1", "hidden_2", "hidden_3", "output"]
    assert network.sizes(2, 10) == [2, 7, 7, 7, 10]
    assert len(network.sizes(2, 10)) == len(network.layers) + 1


def test_it_is_frozen_and_compares_by_value():
    network = Network(**GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.depth = 5
    same = Network(**GOOD, depth=np.int64(4), residual=np.bool_(False))
    assert same == network
    assert hash(same) == hash(network)  # so that it can be the key of what is remembered
    assert type(same.depth) is int
    assert type(same.residual) is bool
    assert dataclasses.replace(network, depth=5) != network


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"activation": "rleu"}, "Unknown activation 'rleu'. Did you mean 'relu'? Allowed: linear"),
        ({"activation": ["relu"]}, "Unknown activation ['relu']"),
        ({"initializer": "he"}, "Unknown initializer 'he'. Allowed: standard_normal"),
        (
            {"normalization": "batsh"},
            "Unknown normalization 'batsh'. Did you mean 'batch'? Allowed",
        ),
        ({"normalization": "none"}, "Allowed: None, batch, layer, rms."),
        ({"normalization": False}, "Unknown normalization False. Allowed: None, batch"),
        ({"depth": 0}, "depth must be a whole number, 1 or more; got 0"),
        ({"depth": True}, "depth must be a whole number, 1 or more; got True"),
        ({"width": 2.0}, "width must be a whole number, 1 or more; got 2.0"),
        ({"residual": 1}, "residual must be True or False; got 1"),
        ({"residual": "no"}, "residual must be True or False; got 'no'"),
    ],
    ids=str,
)
def test_a_bad_value_is_one_clear_sentence(change, words):
    with pytest.raises(ValueError) as error:
        Network(**GOOD | change)
    assert words in str(error.value)
    with pytest.raises(ValueError) as error:  # and so it is where a network is changed
        dataclasses.replace(Network(**GOOD), **change)
    assert words in str(error.value)
