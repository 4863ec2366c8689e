import matplotlib.pyplot as plt
import pytest

from helpers import STYLE


@pytest.fixture(autouse=True)
def course_style():
    with plt.style.context(STYLE):
        yield
    plt.close("all")
