import itertools
import subprocess
import sys

import numpy as np
import pytest

from helpers import theory


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: theory.moments("rleu", 1), "Did you mean 'relu'"),
        (lambda: theory.moments("relu", -1), "q must be 0 or more; got -1"),
        (lambda: theory.moments("relu", [1, np.nan]), "q must be 0 or more"),
        (lambda: theory.pair_moments("relu", np.inf, 0), "q must be a finite number.*got inf"),
        (lambda: theory.pair_moments("relu", 1, 1.5), "correlation must be .*got 1.5"),
        (lambda: theory.variance_map("relu", 1, -2), "weight_variance must be .*got -2"),
        (lambda: theory.fixed_point("relu", 2, -0.1), "bias_variance must be .*got -0.1"),
        (lambda: theory.fixed_point("relu", [1, 2]), r"must be one number; got \[1, 2\]"),
        (lambda: theory.chi("relu", 1, "two"), "weight_variance must be .*got 'two'"),
        (lambda: theory.critical_line("relu", np.nan), "bias_variance must be .*got nan"),
        (lambda: theory.correlation_map("relu", 0.5, 0), "both variances 0"),
        (lambda: theory.gradient_ratio("relu", "he", 5), "Unknown initializer 'he'"),
        (lambda: theory.gradient_ratio("relu", "he_normal", 0), "width must be .*got 0"),
        (lambda: theory.profile("relu", "zeros", depth=0, width=5), "depth must be .*got 0"),
        (lambda: theory.profile("relu", "zeros", depth=2, width=[5, 0]), "width must be .*got 0"),
        (lambda: theory.profile("relu", "zeros", depth=2, width=[5]), "one number or 2.*got 1"),
        (lambda: theory.profile("relu", "zeros", depth=2, width=5, num_inputs=0), "num_inputs"),
        (
            lambda: theory.profile("relu", "zeros", depth=2, width=5, input_second_moment=-1),
            "input_second_moment must be a finite number, 0 or more; got -1",
        ),
        (lambda: theory.relu_law(0), "width must be .*got 0"),
        (lambda: theory.relu_law(5, 0), "weight_variance must be .*got 0"),
        (lambda: theory.relu_dead_probability([5, 0]), "width must be .*got 0"),
    ],
    ids=itertools.count(),
)
def test_bad_settings_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_a_module_doesn_t_hide_the_function_of_its_name():
    """In a fresh interpreter, whichever is imported first."""
    code = (
        "import helpers.theory.verdict, helpers.theory.moments\n"
        "from helpers import theory\n"
        "import helpers.theory.moments\n"
        "print(theory.verdict(1.0), round(theory.moments('relu', 1.0).slope_square, 9))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["healthy", "0.5"]


@pytest.mark.parametrize("name", theory.__all__)
def test_every_public_name_says_what_it_is(name):
    value = getattr(theory, name)
    assert isinstance(value, float) or (callable(value) and value.__doc__)
