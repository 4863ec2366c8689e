"""A learner's folder and home with nothing in them, in a kernel that has said nothing yet."""

import pytest

from helpers.exercises import store


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    for name in ("notebooks", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for memory in (store._unsaved, store._notices, store._was_told):
        memory.clear()
    return tmp_path / "notebooks"
