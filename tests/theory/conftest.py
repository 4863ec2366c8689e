import numpy as np
import pytest
from scipy.special import erf

from helpers.catalogue import ACTIVATIONS, Activation


@pytest.fixture
def more_activations(monkeypatch):
    """What a learner may add: with a derivative and without, with a kink elsewhere than at 0."""

    def leaky(slope):
        return Activation(lambda z: np.where(z > 0, z, slope * z), "unused")

    added = {
        "scaled_tanh": Activation(lambda z: 1.7159 * np.tanh(2 * z / 3), "unused"),
        "erf": Activation(erf, "unused", lambda z: 2 / np.sqrt(np.pi) * np.exp(-(z**2))),
        "hard_sigmoid": Activation(lambda z: np.clip(z / 6 + 0.5, 0, 1), "unused"),
        "hard_tanh": Activation(
            lambda z: np.clip(z, -0.7, 0.7), "unused", lambda z: np.where(np.abs(z) < 0.7, 1.0, 0.0)
        ),
        "sine": Activation(np.sin, "unused"),
        "cube": Activation(lambda z: z**3, "unused"),
        "constant": Activation(np.ones_like, "unused"),
        **{f"leaky_{slope}": leaky(slope) for slope in (0.1, 0.2, 0.3)},
    }
    for name, entry in added.items():
        monkeypatch.setitem(ACTIVATIONS, name, entry)
