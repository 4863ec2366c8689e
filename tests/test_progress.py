"""The line of a long cell."""

from helpers import progress


def test_the_line_counts_each_item_and_goes(monkeypatch):
    shown = []

    def show(_, line):
        shown.append(line.data)

    handle = type("Handle", (), {"display": show, "update": show})
    monkeypatch.setattr(progress, "DisplayHandle", handle)
    seen = [(item, shown[-1]) for item in progress.counted(["a", "b"])]
    assert seen == [("a", "1 of 2 …"), ("b", "2 of 2 …")]
    assert shown[0] == shown[-1] == ""
