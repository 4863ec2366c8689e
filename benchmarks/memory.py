"""Run in a process of its own: what training in many settings keeps, and whether that grows."""

import gc
import itertools
import json
import sys

import psutil

from helpers import data, training

SETTINGS = list(
    itertools.product(
        (1, 4, 10, 20, 50),  # depth
        (5, 16),  # width
        ("sigmoid", "tanh", "relu", "prelu", "gelu"),
        ("he_normal", "glorot_uniform"),
        ("rmsprop", "sgd"),
    )
)
FURTHER = 1000
EPOCHS = 2


def run(number):
    """Train in one of the settings, from a seed of its own."""
    depth, width, activation, initializer, optimizer = SETTINGS[number % len(SETTINGS)]
    training.train(
        activation,
        initializer,
        dataset=data.circles(),
        depth=depth,
        width=width,
        optimizer=optimizer,
        epochs=EPOCHS,
        seed=number,
    )


def megabytes():
    """Memory of this process (RSS)."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


def main():
    """Print MB after each setting once, their growth, and whether TensorFlow was loaded."""
    for number in range(len(SETTINGS)):
        run(number)
    whole = megabytes()
    for number in range(FURTHER):
        run(len(SETTINGS) + number)
    report = {
        "settings": len(SETTINGS),
        "whole": whole,
        "growth": megabytes() - whole,
        "tensorflow": "tensorflow" in sys.modules,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
