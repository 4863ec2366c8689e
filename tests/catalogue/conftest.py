import helpers  # isort: skip
import keras
import pytest


@pytest.fixture
def double():
    """Keras and the engine in float64."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
