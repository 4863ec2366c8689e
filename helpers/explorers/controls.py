"""The controls of an explorer: names to choose from, numbers, and the button for another draw.

A name out of several is a drop-down menu that shows them all. A number is a slider with a readout
that can be typed into.
"""

import ipywidgets as widgets
import traitlets

NONE = "none"  # how a control, and so a setting as text, calls None


def none_or(name: str) -> str | None:
    """Return what a choice stands for: None if it is `NONE`."""
    return None if name == NONE else name


def choice(names, value, *, description: str) -> widgets.Dropdown:
    """Make a control for one name out of several, or out of (label, value) pairs."""
    return widgets.Dropdown(
        options=list(names), value=value, description=description, tooltip=description
    )


def whole(value: int, low: int, high: int, *, description: str) -> widgets.IntSlider:
    """Make a slider for a whole number."""
    return widgets.IntSlider(value, low, high, description=description, tooltip=description)


def number(
    value: float, low: float, high: float, *, step: float, decimals: int, description: str
) -> widgets.FloatSlider:
    """Make a slider for a number with so many decimals."""
    return widgets.FloatSlider(
        value,
        min=low,
        max=high,
        step=step,
        readout_format=f".{decimals}f",
        description=description,
        tooltip=description,
    )


class Steps(widgets.HBox):
    """A slider over numbers that need not be evenly spaced, and a field to type one into.

    What is typed counts as the nearest of them. What is no number is answered in `slip`.

    Parameters
    ----------
    pairs : list of (str, float)
        Label and number, in order.
    """

    value = traitlets.Any()
    slip = traitlets.Unicode()

    def __init__(self, pairs: list[tuple], value, *, description: str):
        self.pairs = list(pairs)
        self.description = description
        names = {"description": description, "tooltip": description}
        self.slider = widgets.SelectionSlider(options=pairs, value=value, readout=False, **names)
        self.typed = widgets.Text(continuous_update=False, tooltip=description)
        self.typed.layout.width = "64px"
        super().__init__([self.slider, self.typed], value=value)
        self.layout.align_items = "center"
        self._write()
        # each part tells the value, and the value tells both: equal ones end the circle
        self.slider.observe(lambda change: self.set_trait("value", change.new), names="value")
        self.typed.observe(lambda change: self._read(change.new), names="value")
        self.observe(lambda _: self._write(), names="value")

    def _write(self):
        """Let both parts say the value."""
        self.slider.value = self.value
        self.typed.value = self.label

    @property
    def label(self) -> str:
        """What the value is called."""
        return next(label for label, value in self.pairs if value == self.value)

    def _read(self, text):
        if text == self.label:
            return
        named = dict(self.pairs)
        try:
            wanted = named[text] if text in named else float(text)
            nearest = min(named.values(), key=lambda value: abs(value - wanted))  # NaN: the first
        except ValueError:
            self.typed.value = self.label
            self.slip = ""  # so that the same slip is heard again
            self.slip = f"{self.description} must be a number; got {text!r}."
            return
        self.value = nearest
        self._write()  # also where the nearest is what it was


def steps(numbers, value, *, description: str) -> Steps:
    """Make a slider over some numbers, or (label, number) pairs."""
    pairs = [n if isinstance(n, tuple) else (f"{n:g}", n) for n in numbers]
    return Steps(pairs, value, description=description)


def new_draw() -> widgets.Button:
    """Make the button that counts up the seed."""
    return widgets.Button(
        description="New draw", icon="refresh", tooltip="Draw other random weights"
    )
