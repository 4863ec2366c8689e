import pytest

from helpers.explorers import training


@pytest.fixture
def untrained(monkeypatch):
    """Networks as initialised only: the training never begins."""
    monkeypatch.setattr(training, "PAUSE", 1e9)


@pytest.fixture
def at_once(monkeypatch):
    """Training within each move."""
    monkeypatch.setattr(training, "SYNCHRONOUS", True)
