import pytest

from helpers.explorers import training


@pytest.fixture
def untrained(monkeypatch):
    """Networks as initialised only: the training never begins."""
    monkeypatch.setattr(training.TrainingExplorer, "_train_in_the_move", lambda self: True)


@pytest.fixture
def at_once(monkeypatch):
    """Training within each move."""
    monkeypatch.setattr(training, "SYNCHRONOUS", True)
