"""`Diagnosis`: a table, a picture, a verdict and one next step, which a notebook shows."""

import html

import xarray as xr

from helpers.diagnosis.rules import MILD, Finding, when


class Diagnosis:
    """What `diagnose` found; as the last line of a cell it shows itself.

    Attributes
    ----------
    verdict : str
        One or a few words: the name of the rule that applies, or "healthy", "shrinking",
        "growing".
    rule : str
        When that verdict is given, with its threshold.
    what : str
        What was seen, in which layers, with its numbers.
    layers : tuple of str
        The layers that it is about; empty where it is about all of them.
    next_step : str
        One change to try, with the layer and the lesson.
    also : list of Finding
        The other rules that apply: (name, what, next_step, layers).
    is_blamed : bool
        Whether the verdict names a fault.
    table : xarray.Dataset
        What was measured, dimension `layer` (one entry a kernel) in forward order: delta_norm
        (of the gradient of the pre-activation, or of the layer's output where none is known),
        gradient_norm, weight_norm, update_ratio, zero_share, saturation, dead, activation_mean,
        activation_std and more. NaN is what can't be told; attrs["unknown"] says why.
    """

    def __init__(self, table: xr.Dataset, findings: list[Finding]):
        first, *others = findings
        self.table = table
        self.verdict = first.name
        self.rule = when(first.name)
        self.what = first.what
        self.layers = first.layers
        self.next_step = first.next_step
        self.also = others
        self.is_blamed = first.name not in MILD

    def __repr__(self):
        lines = [f"{self.verdict}: {self.what}.", f"Rule: {self.rule}."]
        lines.append(f"Next step: {self.next_step}.")
        if self.also:
            lines.append(f"Also: {'; '.join(f'{one.name} ({one.what})' for one in self.also)}.")
        return "\n".join(lines)

    def plot(self, ax=None):
        """Draw the sizes by layer, on a log axis; return the axes."""
        # drawing is loaded by whoever looks: matplotlib takes its time
        from helpers import plots

        return plots.diagnosis_by_layer(self.table, verdict=self.verdict, ax=ax)

    def _repr_html_(self):
        from helpers import plots

        # words first: they are what a screen reader and a hurried reader meet
        head = "".join(f"<p style='margin: 2px 0'>{part}</p>" for part in self._paragraphs())
        return head + plots.show(self.plot())._repr_html_()

    def _paragraphs(self):
        """Write the verdict, its rule and the next step as HTML."""
        text = html.escape
        yield f"<b>{text(self.verdict.capitalize())}</b>: {text(self.what)}."
        yield f"<small>Rule: {text(self.rule)}.</small>"
        yield f"<b>Next step</b>: {text(self.next_step)}."
        if self.also:
            also = "; ".join(f"{one.name} ({one.what})" for one in self.also)
            yield f"<small>Also: {text(also)}.</small>"
