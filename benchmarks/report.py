"""The tables of the README, as Markdown, from one run of `make bench`."""

import os
import platform
import statistics
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks import race, timing
from benchmarks.sides import c_side

PACKAGES = ("numba", "numpy", "tensorflow", "keras", "torch", "jax")
CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Target:
    """A row of the table of targets: `most`, or `least`, is the bound; None where there is none.

    `reached` is None if it couldn't be measured. `digits` after the point are shown. `also` says
    more, and `holds` is False if another condition of the target fails.
    """

    what: str
    reached: float | None
    unit: str = ""
    most: float | None = None
    least: float | None = None
    digits: int = 2
    also: str = ""
    holds: bool = True

    def text(self, number: float) -> str:
        """The number with its unit."""
        return f"{number:,.{self.digits}f} {self.unit}".strip()

    @property
    def bound(self) -> str:
        """The target in words."""
        if self.most is not None:
            return f"at most {self.most:,g} {self.unit}".strip()
        return f"at least {self.least:,g} {self.unit}".strip() if self.least is not None else ""

    @property
    def verdict(self) -> str:
        """Whether it's met."""
        if self.reached is None:
            return "not measured"
        if not self.bound:
            return ""
        high = self.most is None or self.reached <= self.most
        low = self.least is None or self.reached >= self.least
        return "met" if high and low and self.holds else "**not met**"

    @property
    def row(self) -> str:
        """The row in Markdown."""
        reached = self.also if self.reached is None else self.text(self.reached) + self.also
        return f"| {self.what} | {self.bound} | {reached} | {self.verdict} |"


def ratios(seconds: dict[str, list[float]]) -> list[Target]:
    """Compare the sides of the race."""

    def ratio(above, below):
        return timing.ratio(seconds[above], seconds[below])

    train = race.TRAIN
    targets = [
        Target("eager loop / `train`", ratio(race.EAGER, train), least=2000, digits=0),
        Target("`train` / JAX, both record everything", ratio(train, race.JAX_ALL), most=0.5),
        Target("`train` (everything) / JAX (gradient mean, std)", ratio(train, race.JAX)),
    ]
    for name, ours, theirs in (
        ("sigmoid", train, race.C),
        ("tanh", race.TRAIN_TANH, race.C_TANH),
    ):
        what = f"`train` (everything) / C (gradient mean, std), {name}"
        if theirs in seconds:
            targets.append(Target(what, ratio(ours, theirs), most=1.2))
        else:
            targets.append(Target(what, None, most=1.2, also="no C compiler found"))
    of_model = ratio(race.MODEL, race.JAX_ALL)
    return [
        *targets,
        Target("`train_model` / JAX, both record everything", of_model, most=1.5),
        Target("`train`, 32 networks / one", ratio(race.MANY, train), most=18, digits=1),
    ]


def starts(cold: dict, warm: dict) -> list[Target]:
    """Describe the first training in a process: `cold` and `warm` as first_run.py prints them."""
    loaded = warm["tensorflow"]
    parts = f": imports {warm['imports']:.2f} s, training {warm['training']:.2f} s, "
    return [
        Target(
            "first training in a process, imports included, without TensorFlow",
            warm["imports"] + warm["training"],
            "s",
            most=1,
            also=parts + ("TensorFlow is loaded" if loaded else "no TensorFlow"),
            holds=not loaded,
        ),
        Target("compiling, once a machine", cold["training"] - warm["training"], "s", most=15),
    ]


def growth(by_depth: dict[str, float], layer: tuple[float, float]) -> Target:
    """Describe the cost in depth."""
    also = (
        f" (tanh {by_depth['tanh']:.1f}); per layer more {layer[0]:.2f} to {layer[1]:.2f} ms "
        "for 1,000 updates"
    )
    return Target("depth 50 / depth 4", by_depth["sigmoid"], most=13, digits=1, also=also)


def wide(seconds: float, ratio: float) -> Target:
    """Describe 1,000 updates at width 256."""
    what = "1,000 updates at width 256: `train` / NumPy with BLAS by hand"
    return Target(what, ratio, most=1.2, also=f" ({seconds:.2f} s)")


def memory(report: dict) -> list[Target]:
    """Describe what memory.py found."""
    loaded = report["tensorflow"]
    note = ", TensorFlow is loaded" if loaded else ""
    what = f"memory of a process after training in {report['settings']} settings"
    return [
        Target(what, report["whole"], "MB", most=350, digits=0, also=note, holds=not loaded),
        Target("growth over 1,000 further runs", report["growth"], "MB", most=20, digits=0),
    ]


def profile(depth: int, most: float, milliseconds: tuple[float, float]) -> Target:
    """Describe `measure.profile`."""
    again, new = milliseconds
    what = f"`measure.profile`, 10 networks, width 64, depth {depth}"
    return Target(what, again, "ms", most=most, digits=0, also=f"; {new:.0f} ms for new draws")


def race_table(seconds: dict[str, list[float]]) -> str:
    """Seconds of every side."""
    rounds = len(seconds[race.TRAIN])
    lines = [
        f"| how (median of {rounds}) | source A's job | recorded at every step |",
        "|---|---|---|",
    ]
    for name, values in seconds.items():
        how = f"C, `{' '.join(c_side.FLAGS[:3])}`" if name == race.C else name
        what = race.SIDES[name].records
        lines.append(f"| {how} | {statistics.median(values):.3g} s | {what} |")
    return "\n".join(lines)


def target_table(targets: list[Target]) -> str:
    """Every target and what was reached."""
    head = "| what | target | reached | |\n|---|---|---|---|"
    return "\n".join([head, *(target.row for target in targets)])


def picture(costs: dict[str, dict[int, float]]) -> str:
    """Show the picture of a sweep, with its text alternative."""
    layers = costs["hidden layers"]
    networks = costs["networks"]
    parts = [
        f"{layers[1]:.0f} ms with one hidden layer, {layers[max(layers)]:,.0f} ms with "
        f"{max(layers)}",
        f"{networks[1]:.0f} ms for one network, {networks[max(networks)]:,.0f} ms for "
        f"{max(networks)} together",
    ]
    widths = costs["units a layer"]
    low = min(widths)
    high = max(widths)
    by_hand = costs["NumPy by hand"][high]
    parts.append(
        f"{widths[low]:.0f} ms at width {low}, {widths[high]:,.0f} ms at width {high}, "
        f"where NumPy by hand takes {by_hand:,.0f} ms"
    )
    return f"![What 1,000 updates cost: {'; '.join(parts)}](docs/engine.png)"


def processor() -> str:
    """Name of the processor, and how many there are."""
    name = platform.processor() or platform.machine()
    if CPU_INFO.exists():
        models = [line for line in CPU_INFO.read_text().splitlines() if "model name" in line]
        name = models[0].split(":")[1].strip() if models else name
    return f"{os.cpu_count()} x {name}"


def compiler() -> str:
    """First line of what the C compiler says of itself."""
    path = c_side.find_compiler()
    if not path:
        return "no C compiler"
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def conditions() -> str:
    """The machine and the versions."""
    versions = ", ".join(f"{name} {import_module(name).__version__}" for name in PACKAGES)
    python = platform.python_version()
    return f"{processor()}; Python {python}, {versions}; {compiler()}"
