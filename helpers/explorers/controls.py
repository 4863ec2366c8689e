"""The controls of an explorer: choices, numbers, and the button for another draw."""

import ipywidgets as widgets

NONE = "none"  # how a control, and so a setting as text, calls None


def none_or(choice: str) -> str | None:
    """Return what a choice stands for: None if it is `NONE`."""
    return None if choice == NONE else choice


def choice(names, value, *, description: str) -> widgets.SelectionSlider:
    """Make a control for one name out of several, or out of (label, value) pairs.

    Not a drop-down menu: there JupyterLab keeps the arrow keys for itself, and takes letters for
    commands (an "r", for relu, would turn the cell into raw text and lose the explorer).
    """
    return widgets.SelectionSlider(options=list(names), value=value, description=description)


def whole(value: int, low: int, high: int, *, description: str) -> widgets.IntSlider:
    """Make a slider for a whole number."""
    return widgets.IntSlider(value, low, high, description=description)


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
    )


def steps(values, value, *, description: str) -> widgets.SelectionSlider:
    """Make a slider over some numbers, which need not be evenly spaced."""
    pairs = [(f"{number:g}", number) for number in values]
    return widgets.SelectionSlider(options=pairs, value=value, description=description)


def new_draw() -> widgets.Button:
    """Make the button that counts up the seed."""
    return widgets.Button(description="New draw", icon="refresh")
