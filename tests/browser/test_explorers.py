"""The explorers and predictions under a learner's hands: keyboard, mouse, restart, both themes."""

import itertools
import re
import socket
import statistics
import subprocess
import sys
import time

import nbformat
import pytest
from driver import PANEL, RUN, THEMES, cell_errors, open_notebook, run_all, wait_until_idle
from playwright.sync_api import expect

LESSON = "01_product_of_derivatives.ipynb"
EXPLORER = f"{PANEL} .jp-OutputArea-output:has(img.widget-image)"
PICTURE = f"{EXPLORER} img.widget-image"
VERDICT = f"{EXPLORER} .course-verdict"
CONTROLS = ".widget-vbox .widget-vbox"
SLIDERS = f"{CONTROLS} .widget-slider"
MENUS = f"{CONTROLS} .widget-dropdown select"
EXPLORERS = [
    "chain_explorer",
    "depth_explorer",
    "product_explorer",
    "gradient_explorer",
    "initializer_explorer",
    "activation_explorer",
    "chaos_explorer",
    "time_explorer",
    "transformer_explorer",
]
TYPED = {  # a slip, and a setting that it takes; the others: depth
    "activation_explorer": ("mean=9", "mean=2"),
    "chain_explorer": ("x=9", "x=1"),
    "time_explorer": ("steps=0", "steps=9"),
}


def slider(page, name):
    row = page.locator(f"{EXPLORER} .widget-slider", has=page.get_by_text(name, exact=True))
    return row.locator(".noUi-handle")


def menu(page, name):
    row = page.locator(f"{EXPLORER} .widget-dropdown", has=page.get_by_text(name, exact=True))
    return row.locator("select")


def cells(page):
    """How many cells there are, of which kinds, and which is selected."""
    return page.evaluate(
        f"""[...document.querySelectorAll('{PANEL} .jp-Cell')].map(
            cell => cell.className.match(/jp-(Code|Markdown|Raw)Cell|jp-mod-selected/g).join())"""
    )


def write_notebook(lab, name, *sources):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.root / "notebooks" / f"{name}.ipynb")


def restart(page, entry):
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile(f"^{entry}")).click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    wait_until_idle(page)


def answers(page, act):
    """Do something, and wait until picture and verdict have changed."""
    picture = page.locator(PICTURE).get_attribute("src")
    verdict = page.inner_text(VERDICT)
    act()
    expect(page.locator(PICTURE)).not_to_have_attribute("src", picture, timeout=15_000)
    expect(page.locator(VERDICT)).not_to_have_text(verdict, timeout=15_000)


def write_explorer(lab, name):
    """Write a notebook that shows one explorer, in one line."""
    write_notebook(lab, name, f"from helpers.explorers import {name}\n{name}()")


def new_picture(page, act):
    """Do something, and wait until the picture has changed."""
    before = page.locator(PICTURE).get_attribute("src")
    act()
    expect(page.locator(PICTURE)).not_to_have_attribute("src", before, timeout=15_000)


def at_the_end(menu, key):
    """The value from which this key leads no further."""
    options = menu.locator("option").all_inner_texts()
    return options[-1] if key == "ArrowDown" else options[0]


# a theme each: it changes nothing in how keys are heard
@pytest.mark.parametrize(("name", "theme"), zip(EXPLORERS, itertools.cycle(THEMES)))
def test_every_control_answers_the_keyboard(page, lab, name, theme):
    write_explorer(lab, name)
    open_notebook(page, f"{name}.ipynb", theme)
    run_all(page)
    area = page.locator(EXPLORER)
    setting = area.get_by_label("setting")
    before = cells(page)
    for control in area.locator(MENUS).all():
        first = control.input_value()
        others = [key for key in ("ArrowDown", "ArrowUp") if first != at_the_end(control, key)]
        new_picture(page, lambda control=control, key=others[0]: control.press(key))
        assert control.input_value() != first
        for key in "rmbx":  # commands of JupyterLab: raw, markdown, a new cell, cut
            control.press(key)
        assert cells(page) == before
        # a letter may have chosen another name; Reset is pressed once the kernel knows of that
        chosen = control.input_value()
        word = re.escape(chosen.replace(" ", "_"))
        expect(setting).to_have_value(re.compile(rf"={word}( |$)"), timeout=15_000)
        reset = area.get_by_role("button", name="Reset")
        if chosen == first:
            reset.press("Enter")
        else:
            new_picture(page, lambda reset=reset: reset.press("Enter"))
        expect(control).to_have_value(first, timeout=15_000)
    for row in area.locator(SLIDERS).all():
        handle = row.locator(".noUi-handle")
        assert row.locator(".noUi-target").bounding_box()["width"] >= 180
        value = handle.get_attribute("aria-valuenow")
        top = handle.get_attribute("aria-valuemax")
        sideways = ("ArrowDown", "ArrowUp") if value == top else ("ArrowUp", "ArrowDown")
        for key in sideways:
            new_picture(page, lambda handle=handle, key=key: handle.press(key))
        assert handle.get_attribute("aria-valuenow") == value
        for key in "rmbx":
            handle.press(key)
        assert cells(page) == before
        last = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        for key in ("ArrowLeft", "Home") if last else ("ArrowRight", "Home", "End"):
            if key == "Home" and handle.get_attribute("aria-valuenow") == (
                handle.get_attribute("aria-valuemin")
            ):
                continue
            new_picture(page, lambda handle=handle, key=key: handle.press(key))
        new_picture(page, lambda: area.get_by_role("button", name="Reset").press("Enter"))
    handles = area.locator(".noUi-handle")
    if name not in ("activation_explorer", "chain_explorer"):  # these draw nothing at random
        new_picture(page, lambda: area.get_by_role("button", name="New draw").press("Space"))
    area.get_by_role("button", name="Pin as A").press("Enter")
    expect(page.locator(VERDICT)).to_contain_text("This is A")
    new_picture(page, lambda: handles.first.press("End"))
    expect(page.locator(VERDICT)).to_contain_text("Against A")
    slip, good = TYPED.get(name, ("depth=0", "depth=9"))
    setting.fill(slip)
    setting.press("Enter")
    expect(page.locator(VERDICT)).to_contain_text(f"got {slip[-1]}.")
    setting.fill(good)
    new_picture(page, lambda: setting.press("Enter"))
    expect(setting).to_have_value(re.compile(f"{good} "))
    assert cell_errors(page) == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_fits_the_page_and_its_text_can_be_read(page, lab, name, theme):
    write_explorer(lab, name)
    open_notebook(page, f"{name}.ipynb", theme)
    run_all(page)
    page.locator(EXPLORER).evaluate("e => e.scrollIntoView()")
    picture, verdict = (page.locator(part).bounding_box() for part in (PICTURE, VERDICT))
    assert verdict["x"] + verdict["width"] <= picture["x"] + 1  # beside it, not below
    for box in (picture, verdict):
        assert box["y"] >= 0 and box["y"] + box["height"] <= 720
        assert box["x"] + box["width"] <= 1280
    size = page.locator(PICTURE).evaluate("img => [img.naturalWidth, img.width]")
    assert size[0] >= 1.8 * size[1]
    ink = page.locator(VERDICT).evaluate("e => getComputedStyle(e).color")
    dark_ink = sum(int(c) for c in ink.strip("rgba()").split(",")[:3]) < 300
    assert dark_ink == (theme == "light"), ink
    for readout in page.locator(f"{EXPLORER} .widget-readout").all():
        assert readout.evaluate("e => e.scrollWidth <= e.clientWidth + 1")  # no name is cut


def test_a_name_takes_two_clicks_and_a_number_can_be_typed(page, lab):
    write_explorer(lab, "gradient_explorer")
    open_notebook(page, "gradient_explorer.ipynb")
    run_all(page)
    new_picture(page, lambda: menu(page, "activation").select_option("tanh"))
    depth = page.locator(f"{EXPLORER} .widget-slider", has=page.get_by_text("depth", exact=True))
    readout = depth.locator(".widget-readout")
    for typed, counts in (("7", "7"), ("1000", "50"), ("0", "1")):
        readout.fill(typed)
        new_picture(page, lambda: readout.press("Enter"))
        expect(readout).to_have_text(counts)
    width = page.locator(f"{EXPLORER} input[title=width]")
    for typed, counts in (("9", "8"), ("1000", "256")):
        width.fill(typed)
        new_picture(page, lambda: width.press("Enter"))
        expect(width).to_have_value(counts)
    width.fill("wide")
    width.press("Enter")
    expect(page.locator(VERDICT)).to_have_text("width must be a number; got 'wide'.")
    expect(width).to_have_value("256")
    assert page.locator(f"{EXPLORER} [title=null], {EXPLORER} [title=undefined]").count() == 0
    assert cell_errors(page) == []


def test_everything_has_a_name_for_those_who_do_not_see_it(page, lab):
    write_explorer(lab, "gradient_explorer")
    open_notebook(page, "gradient_explorer.ipynb")
    run_all(page)
    area = page.locator(EXPLORER)
    for name in ("depth", "width", "learning rate", "epoch"):
        expect(area.get_by_role("slider", name=name)).to_have_count(1)
    for name in ("activation", "initializer", "data set", "optimizer", "show"):
        expect(area.get_by_role("combobox", name=name)).to_have_count(1)
    expect(area.get_by_role("slider", name="width")).to_have_attribute("aria-valuetext", "5")
    for name in ("Play or pause the epochs", "Back to epoch 0", "Stop training"):
        expect(area.get_by_role("button", name=name)).to_have_count(1)
    finding = re.compile(r"delta: \w+\. RMS by hidden layer")
    expect(page.locator(PICTURE)).to_have_attribute("alt", finding)
    new_picture(page, lambda: slider(page, "width").press("End"))
    expect(area.get_by_role("slider", name="width")).to_have_attribute("aria-valuetext", "256")


def test_the_simple_interface_shows_it_too(page, lab):
    write_explorer(lab, "gradient_explorer")
    open_notebook(page, "gradient_explorer.ipynb")  # once, so that there is a kernel
    page.goto("/doc/tree/notebooks/gradient_explorer.ipynb")
    wait_until_idle(page)
    run_all(page)
    new_picture(page, lambda: slider(page, "depth").press("End"))


def test_voila_serves_an_explorer_as_a_page(page, lab, browser, tmp_path):
    write_explorer(lab, "gradient_explorer")
    log = tmp_path / "voila.log"
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "voila",
        "--no-browser",
        f"--port={port}",
        str(lab.root / "notebooks" / "gradient_explorer.ipynb"),
    ]
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while "is running at" not in log.read_text():
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        served = browser.new_page(viewport={"width": 1280, "height": 720})
        served.goto(f"http://localhost:{port}/")
        picture = served.locator("img.widget-image")
        expect(picture).to_be_visible(timeout=60_000)
        before = picture.get_attribute("src")
        served.locator(".noUi-handle").first.press("ArrowRight")
        expect(picture).not_to_have_attribute("src", before, timeout=15_000)
        expect(served.locator(".course-verdict")).to_contain_text("delta = dL/dz")
        served.close()
    finally:
        server.terminate()
        server.wait(30)


def test_a_cell_can_draw_figures_while_a_slider_moves(page, lab):
    figures = (
        "import matplotlib.pyplot as plt\nfor k in range(40):\n"
        "    figure, ax = plt.subplots()\n    ax.set_title(f'$x^{{{k}}}$')\n"
        "    figure.canvas.draw()\n    plt.close(figure)\nprint('drawn', k + 1)"
    )
    write_notebook(
        lab,
        "both",
        "from helpers.explorers import gradient_explorer as explorer\nexplorer()",
        figures,
    )
    open_notebook(page, "both.ipynb")
    run_all(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    handle = slider(page, "depth")
    for key in ["ArrowRight", "ArrowLeft"] * 15:
        handle.press(key)
        page.wait_for_timeout(50)
    expect(page.locator(PANEL)).to_contain_text("drawn 40", timeout=60_000)
    handle.press("End")
    expect(page.locator(EXPLORER).get_by_label("setting")).to_have_value(re.compile("depth=50"))
    wait_until_idle(page)
    assert cell_errors(page) == []


def test_a_drag_ends_at_the_last_value(page, lab):
    write_explorer(lab, "product_explorer")
    open_notebook(page, "product_explorer.ipynb")
    run_all(page)
    handle = slider(page, "depth")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(120):  # two seconds at 60 Hz
        page.mouse.move(x + 40 * ((step % 40) - 20) / 20, y)
        page.wait_for_timeout(16)
    page.mouse.move(x + 30, y)
    page.mouse.up()
    depth = page.locator(f"{EXPLORER} .widget-readout").first.inner_text()
    assert int(depth) > 50
    expect(page.locator(VERDICT)).to_contain_text(f" {depth} factors", timeout=2000)


def test_two_explorers_and_a_restarted_kernel(page, lab):
    explorer = "product_explorer()"
    write_notebook(
        lab, "two", f"from helpers.explorers import product_explorer\n{explorer}", explorer
    )
    open_notebook(page, "two.ipynb")
    for _ in range(2):
        run_all(page)
        pictures = page.locator(PICTURE)
        handles = slider(page, "depth")
        expect(pictures).to_have_count(2)
        first, second = (pictures.nth(k).get_attribute("src") for k in (0, 1))
        handles.nth(1).press("End")
        expect(pictures.nth(1)).not_to_have_attribute("src", second, timeout=15_000)
        assert pictures.nth(0).get_attribute("src") == first
        restart(page, "Restart Kernel…")
        handles.nth(0).press("Home")  # a slider without a kernel harms nobody
        restart(page, "Restart Kernel and Clear Outputs of All Cells…")
    assert cell_errors(page) == []


def test_a_prediction_is_answered_and_survives_a_restart(page):
    for expected in (0, 1):  # the second time it's chosen already
        open_notebook(page, LESSON)
        run_all(page)
        question = page.get_by_role("radiogroup", name="What is the largest value")
        said = page.locator(f"{PANEL} .course-prediction", has=question).get_by_role("status")
        if not expected:
            expect(said).to_contain_text("Choose now, and see at once.")
            question.get_by_label("0.5", exact=True).press("Space")
        expect(said).to_contain_text("✗ You said: 0.5. The answer: 0.25.")
        assert question.locator("input:checked").count() == 1
        restart(page, "Restart Kernel…")


def test_an_exercise_hints_checks_and_shows_its_solution(page, lab):
    task = (
        "from helpers.exercises import Exercise, compare\n"
        "task = Exercise('What is `2 + 2`?', checker=lambda a:"
        " compare(a() if callable(a) else a, 4, {'A product?': 5}),"
        " hints=['Count.', 'Twice two.'], solution='answer = 2 + 2')\ntask"
    )
    crashing = "task.check(lambda: float('<b>'))"
    answers = ["task.check(...)", "task.check(5)", crashing, "task.check([4.0])"]
    write_notebook(lab, "exercise", task, *answers)
    open_notebook(page, "exercise.ipynb")
    run_all(page)
    outputs = page.locator(f"{PANEL} .jp-OutputArea-output")
    says = ["Exercise ✓ solved.", "Not answered yet", "A product?", "float: '<b>'", "✓ Right."]
    for k, text in enumerate(says):
        expect(outputs.nth(k)).to_contain_text(text)
    for button, text in (
        ("Hint", "Hint 1 of 2. Count."),
        ("Hint", "Hint 2 of 2. Twice two."),
        ("Show the solution", "answer = 2 + 2"),
    ):
        outputs.first.get_by_role("button", name=button).press("Enter")
        expect(outputs.first).to_contain_text(text)
    assert cell_errors(page) == []


def test_the_environment_check_hears_from_the_browser(page):
    open_notebook(page, "00_start_here.ipynb")
    run_all(page)
    lines = ["as the course needs them", "the same gradient", "the reference"]
    lines += ["is compiled on this machine", "kernel talk"]
    for line in lines:
        expect(page.locator(PANEL).get_by_text(line).last).to_contain_text("✓", timeout=15_000)


INTERACT = """
import matplotlib.pyplot as plt
import ipywidgets
from helpers import plots, theory

@ipywidgets.interact(depth=(1, 100))
def draw(depth=50):
    values = theory.derivative_product("sigmoid", depth)[0]
    _, axes = plt.subplots(2, figsize=(6.4, 4.4), dpi=200)
    plots.factors(values, ax=axes[0])
    plots.running_product(values, ax=axes[1])
    plt.show()
"""
WATCH = """area => {
    window.watch?.disconnect();
    window.delays = [];
    // in the capture phase: an explorer keeps its keys from all that comes later
    window.hear ??= () => { window.pressed = performance.now(); };
    window.addEventListener('keydown', window.hear, {capture: true});
    const isNew = node => node.tagName === 'IMG' || node.querySelector?.('img');
    window.watch = new MutationObserver(records => {
        const changed = records.some(r => r.target.tagName === 'IMG'
            || [...r.addedNodes].some(isNew));
        if (!changed || !window.pressed) return;
        const start = window.pressed;
        window.pressed = null;
        requestAnimationFrame(() => window.delays.push(performance.now() - start));
    });
    const what = {attributes: true, attributeFilter: ['src'], childList: true, subtree: true};
    window.watch.observe(area, what);
}"""


def delays(page, area, control, keys=("ArrowRight", "ArrowLeft"), moves=40, in_a_row=10):
    """Milliseconds from each key press to the first changed frame, ten presses to each side."""
    area.evaluate(WATCH)
    for count in range(moves):
        control.press(keys[count // in_a_row % 2])
        page.wait_for_function(f"window.delays.length === {count + 1}", polling=20, timeout=15_000)
        page.wait_for_timeout(120)
    return sorted(page.evaluate("window.delays"))


def describe(name, times):
    middle = statistics.median(times)
    high = times[round(0.95 * len(times)) - 1]
    print(f"{name}: median {middle:.0f} ms, 95 % {high:.0f} ms")
    return middle


# They matter once a network is trained: the networks as initialised look the same.
NOTHING_TO_SEE = ("optimizer", "learning rate")


def test_explorers_answer_sooner_than_interact(page, lab):
    """A ratio in one run, since machines differ; `pytest -rP` shows the milliseconds."""
    names = "product_explorer, gradient_explorer"
    large = "large = gradient_explorer()\nlarge.set(depth=49, width=256)\nlarge"
    write_notebook(
        lab,
        "latency",
        f"from helpers.explorers import {names}\nproduct_explorer()",
        # so large that a move draws the networks as initialised, as the plain cell does
        "gradient_explorer(depth=20, width=16)",
        INTERACT,
        large,
    )
    open_notebook(page, "latency.ipynb")
    run_all(page)
    areas = page.locator(f"{PANEL} .jp-CodeCell .jp-OutputArea")
    # a quiet machine: the first training is done, and none is due for the large network
    expect(areas.nth(1)).to_contain_text("After 100 epochs", timeout=RUN)
    expect(areas.last).to_contain_text("would take minutes to train", timeout=RUN)
    handle = areas.nth(2).locator(".noUi-handle").first
    theirs = describe("interact", delays(page, areas.nth(2), handle, moves=20))
    for number, name in enumerate(("product", "gradient")):
        area = areas.nth(number)
        ours = []
        for control in area.locator(SLIDERS).all():
            if control.locator("label").inner_text() in NOTHING_TO_SEE:
                continue
            label = f"{name}, {control.locator('label').inner_text()}"
            row = 10 if name == "product" else 1  # so deep as to be trained in the thread
            handle = control.locator(".noUi-handle")
            ours.append(describe(label, delays(page, area, handle, in_a_row=row)))
        for control in area.locator(MENUS).all():
            if control.locator("xpath=../label").inner_text() in NOTHING_TO_SEE:
                continue
            keys = ("ArrowDown", "ArrowUp")
            if control.input_value() == at_the_end(control, "ArrowDown"):
                keys = ("ArrowUp", "ArrowDown")
            times = delays(page, area, control, keys, moves=20, in_a_row=1)
            ours.append(describe(f"{name}, a menu", times))
        button = area.get_by_role("button", name="New draw")
        keys = ("Enter", "Enter")
        ours.append(describe(f"{name}, New draw", delays(page, area, button, keys=keys)))
        assert max(ours) < 0.8 * theirs
    handle = areas.last.locator(SLIDERS).first.locator(".noUi-handle")
    keys = ("ArrowLeft", "ArrowRight")
    deep = describe("depth 39 to 49, width 64", delays(page, areas.last, handle, keys, moves=20))
    assert deep < 5 * theirs
