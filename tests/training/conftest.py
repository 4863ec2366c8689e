import helpers  # isort: skip
import keras
import pytest


def set_float_type(name):
    keras.config.set_floatx(name)
    keras.config.set_dtype_policy(name)


@pytest.fixture(params=["float32", "float64"])
def precision(request):
    """How many epochs (5 batches each) to compare, and how close they must be."""
    set_float_type(request.param)
    yield {"float32": (1, 1e-5), "float64": (10, 1e-9)}[request.param]
    set_float_type("float32")


@pytest.fixture
def double():
    set_float_type("float64")
    yield
    set_float_type("float32")
