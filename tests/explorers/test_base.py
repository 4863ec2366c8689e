import re
import threading

import pytest
from hands import lines, shown

from helpers.explorers import canvas, gradient_explorer, product_explorer
from helpers.explorers.base import Explorer, Finding
from helpers.explorers.canvas import Panel
from helpers.explorers.controls import whole

pytestmark = pytest.mark.usefixtures("untrained")


def number_explorer(compute=lambda number: number, find=None, **options):
    def draw(ax, number, pinned):
        ax.plot([0, number], [0, 1], label="line")
        if pinned is not None:
            ax.plot([0, pinned], [0, 1], label="A")

    controls = {"number": whole(3, 0, 9, description="number")}
    find = find or (lambda number: Finding(f"It is {number}.", {"number": str(number)}))
    return Explorer(controls, compute, [Panel("", draw)], find, **options)


def test_bad_input_becomes_a_sentence_in_the_verdict_s_place():
    def compute(number):
        if number > 5:
            raise ValueError(f"number must be at most 5; got {number}. <b>")
        return number

    explorer = number_explorer(compute)
    explorer.controls["number"].value = 7
    assert explorer.verdict == "number must be at most 5; got 7. <b>"
    assert "&lt;b&gt;" in explorer._sentence.value
    assert not explorer.axes[0].lines
    explorer.controls["number"].value = 2
    assert explorer.verdict == "It is 2." and len(explorer.axes[0].lines) == 1


@pytest.mark.parametrize("where", ["compute", "draw", "find"])
def test_any_other_error_is_said_and_logged_and_the_next_setting_works(where, caplog):
    def perhaps(name):
        def fail(number):
            if where == name:
                1 / (number - 7)

        return fail

    def compute(number):
        perhaps("compute")(number)
        return number

    def draw(ax, number, pinned):
        ax.plot([0, number], [0, 1], label="line")
        perhaps("draw")(number)

    def find(number):
        perhaps("find")(number)
        return Finding(f"It is {number}.")

    controls = {"number": whole(3, 0, 9, description="number")}
    explorer = Explorer(controls, compute, [Panel("", draw)], find)
    explorer.controls["number"].value = 7
    assert explorer.verdict.startswith("This setting could not be drawn: ZeroDivisionError: ")
    assert shown(explorer) == explorer.verdict
    assert "division by zero" in caplog.text and not lines(explorer.axes[0], "line")
    explorer.controls["number"].value = 2
    assert explorer.verdict == "It is 2." and len(lines(explorer.axes[0], "line")) == 1


def test_values_to_begin_with_are_checked():
    assert number_explorer(first={"number": 5}).first_values == {"number": 5}
    for first, reason in (
        ({"dept": 3}, "Unknown control 'dept'. Allowed: activation, initializer, depth"),
        ({"depth": 500}, "depth must be a whole number from 1 to 50; got 500."),
        ({"activation": "rellu"}, "activation must be one of linear"),
        ({"residual": "none"}, "residual must be one of False, True; got 'none'."),
    ):
        with pytest.raises(ValueError, match=re.escape(reason)):
            gradient_explorer(**first)
    assert gradient_explorer(seed=5).values["seed"] == 5


def test_only_numbers_that_both_have_are_compared():
    def find(number):
        names = {"small": "yes"} if number < 5 else {"large": "yes"}
        return Finding("It.", {"number": str(number), **names})

    explorer = number_explorer(find=find)
    explorer.pin()
    assert explorer.verdict == "It. This is A: change something, and both are drawn."
    explorer.set(number=8)
    assert explorer.verdict == "It. Against A (number 3 → 8): number 3 → 8."
    assert len(lines(explorer.axes[0], "A")) == 1
    explorer.unpin()
    assert explorer.verdict == "It."


def test_whoever_watches_hears_of_every_picture():
    explorer = number_explorer()
    heard = []
    explorer.watch(lambda shown: heard.append(shown.values["number"]))
    explorer.set(number=4)
    explorer.controls["number"].value = 5
    explorer.reset()
    assert heard == [4, 5, 3]


def test_the_text_of_a_setting_can_be_pasted_and_a_slip_changes_nothing():
    explorer = gradient_explorer()
    explorer._text.value = "activation=mish depth=9"
    assert explorer.values["activation"] == "mish" and explorer.values["depth"] == 9
    again = gradient_explorer()
    again.set_text(explorer.text)
    assert again.values == explorer.values
    before = explorer.values
    for text, reason in (
        ("depth=0", "depth must be a whole number from 1 to 50; got 0."),
        ("depth", "Expected name=value"),
        ("width=7", "width must be one of 2, 3, 4"),
    ):
        explorer._text.value = text
        assert explorer.verdict.startswith(reason), explorer.verdict
        assert shown(explorer) == explorer.verdict
        assert explorer.values == before and explorer.text == text  # what was typed stays
    with pytest.raises(ValueError, match="Unknown control 'colour'"):
        explorer.set(colour="red")
    explorer.controls["depth"].value = 10
    assert "depth=10" in explorer.text


def test_cells_can_draw_while_a_slider_moves():
    """matplotlib's text parser is shared; two explorers from two threads take turns."""
    pair = [product_explorer(), product_explorer()]
    failures = []

    def drag(explorer):
        for depth in range(2, 40):
            explorer.controls["depth"].value = depth
            if f"{depth} factors multiply" not in explorer.verdict:
                failures.append(explorer.verdict)

    threads = [threading.Thread(target=drag, args=[explorer]) for explorer in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and canvas.DRAWING.acquire(blocking=False)
    canvas.DRAWING.release()
