import numpy as np
import pytest

from helpers.plots import findings


def test_names_are_listed_and_those_beyond_the_first_few_counted():
    assert findings.listed(["a"]) == "a" and findings.listed("ab") == "a and b"
    assert findings.listed("abcd") == "a, b, c and d"
    assert findings.listed(["a, deep", "b"]) == "“a, deep” and b"
    assert findings.listed("abcdef") == "a, b, c and 3 more"


def test_what_is_alike_is_said_together_and_a_single_series_without_its_name():
    assert findings.grouped({"a": "falls", "b": "rises", "c": "falls"}) == (
        "falls for a and c; rises for b"
    )
    assert findings.grouped({"": "falls"}) == "falls"


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        (0, "vanishing"),
        (1e-4, "vanishing"),
        (0.01, "shrinking"),
        (1, "healthy"),
        (1e5, "exploding"),
    ],
)
def test_gradients_are_judged_on_the_scale_of_the_course(ratio, word):
    with np.errstate(divide="ignore"):
        logs = np.log10([ratio, 1.0])
    assert findings.passed_back({"": logs[0]}, {"": logs[1]}) == word
    # a size that overflowed at the input side, or both ends 0, is no ratio to compute with
    assert findings.passed_back({"": np.inf}, {"": 0.0}) == "exploding"


def test_a_size_moves_where_it_moves_by_more_than_what_is_asked_for():
    assert findings.moved(0.0, 0.2, 0.3) == "stays about level"
    assert (findings.moved(0.0, 0.4, 0.3), findings.moved(0.4, 0.0, 0.3)) == ("rises", "falls")
    assert findings.moved(-np.inf, -np.inf, 0.3) == "stays about level"
    assert findings.moved(0.0, np.nan, 0.3) == "ends as no number"


def test_two_sizes_are_compared_by_their_decades():
    words = [findings.compared(decades, 0.0) for decades in (-2, -0.5, 0.1, 0.5, 2)]
    assert words == ["far below", "below", "about as large as", "above", "far above"]
    assert findings.compared(-np.inf, -np.inf) == "about as large as"


def test_rows_are_high_or_low_by_their_place_on_the_axis():
    def levels(*values):
        return findings.levels(dict(zip("abcde", values, strict=False)), (0, 1))

    assert levels(0.9, 0.1, 0.5) == "high for a; in between for c; low for b"
    assert levels(0.1, 0.2) == "all about the same"
    assert levels(0.1, 0.1, 0.9, 0.9) == "high for c and d; low for a and b"
    assert levels(0.4) == "one row"
    # what lies beyond the axis is at its end
    assert findings.levels({"a": np.inf, "b": 0.0}, (0, 1)) == "high for a; low for b"


def test_of_layers_it_is_said_how_they_run_where_they_run_one_way():
    names = ("hidden_1", "hidden_2", "output")
    for values, way in (((0.1, 0.5, 0.9), "rises"), ((0.9, 0.5, 0.5), "falls")):
        medians = dict(zip(names, values, strict=True))
        assert findings.levels(medians, (0, 1)) == f"{way} from hidden_1 to output"
    there_and_back = dict(zip(names, (0.1, 0.9, 0.1), strict=True))
    assert (
        findings.levels(there_and_back, (0, 1)) == "high for hidden_2; low for hidden_1 and output"
    )
