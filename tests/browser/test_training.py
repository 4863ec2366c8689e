"""Explorers that train, under a learner's hands: scrubbing, Stop, interrupts, restarts."""

import re
import time

from driver import PANEL, RUN, cell_errors, open_notebook, run_all, wait_until_idle
from playwright.sync_api import expect
from test_explorers import (
    EXPLORER,
    INTERACT,
    PICTURE,
    VERDICT,
    delays,
    describe,
    menu,
    new_picture,
    restart,
    slider,
    write_explorer,
    write_notebook,
)

TRAINED = "After 100 epochs"
SAID = f"document.querySelector('{PANEL} .course-verdict').innerText.includes('{TRAINED}')"
LONG = "depth=40 width=32"  # trains for many seconds


def set_text(page, text):
    setting = page.locator(EXPLORER).get_by_label("setting")
    setting.fill(text)
    setting.press("Enter")


def stop_button(page):
    return page.locator(EXPLORER).get_by_role("button", name="Stop training")


def test_a_kernel_may_be_interrupted_and_restarted_in_the_middle_of_a_run(page, lab):
    write_notebook(
        lab,
        "run",
        "from helpers.explorers import gradient_explorer\ngradient_explorer()",
        "while True: pass",
    )
    open_notebook(page, "run.ipynb")
    page.locator(f"{PANEL} .jp-CodeCell").first.click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(VERDICT)).to_contain_text(TRAINED, timeout=RUN)
    set_text(page, LONG)
    expect(stop_button(page)).to_be_enabled(timeout=10_000)
    page.locator(f"{PANEL} .jp-CodeCell").last.click()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Busy")
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Interrupt Kernel")).click()
    wait_until_idle(page)
    new_picture(page, lambda: set_text(page, "depth=6 width=5"))
    expect(page.locator(VERDICT)).to_contain_text(TRAINED, timeout=RUN)
    assert len(cell_errors(page)) == 1 and "KeyboardInterrupt" in cell_errors(page)[0]

    set_text(page, LONG)
    expect(stop_button(page)).to_be_enabled(timeout=10_000)
    restart(page, "Restart Kernel and Clear Outputs of All Cells…")
    page.locator(f"{PANEL} .jp-CodeCell").first.click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(VERDICT)).to_contain_text(TRAINED, timeout=RUN)
    expect(page.locator(EXPLORER).get_by_label("setting")).to_have_value(re.compile("depth=4 "))
    assert cell_errors(page) == []


def test_a_run_can_be_played_scrubbed_and_pinned(page, lab):
    write_explorer(lab, "weight_explorer")
    open_notebook(page, "weight_explorer.ipynb", "dark")
    run_all(page)
    expect(page.locator(VERDICT)).to_contain_text(TRAINED, timeout=RUN)
    epoch = slider(page, "epoch")
    new_picture(page, lambda: epoch.press("End"))
    page.locator(EXPLORER).get_by_role("button", name="Pin as A").press("Enter")
    expect(page.locator(VERDICT)).to_contain_text("This is A")
    new_picture(page, lambda: menu(page, "initializer").press("ArrowDown"))
    expect(page.locator(VERDICT)).to_contain_text("Against A", timeout=RUN)
    new_picture(page, lambda: epoch.press("Home"))
    pictures = set()
    page.locator(EXPLORER).locator(".jupyter-widgets.widget-play button").first.click()
    deadline = time.monotonic() + 30
    while len(pictures) < 10:
        assert time.monotonic() < deadline
        pictures.add(page.locator(PICTURE).get_attribute("src"))
        page.wait_for_timeout(50)
    assert cell_errors(page) == []


def test_nobody_waits_for_a_training(page, lab):
    """Bounds beside a plain ``interact`` cell, since machines differ; -rP shows milliseconds."""
    write_notebook(
        lab,
        "waiting",
        "from helpers.explorers import gradient_explorer\ngradient_explorer()",
        INTERACT,
    )
    open_notebook(page, "waiting.ipynb")
    started = time.monotonic()
    run_all(page)
    areas = page.locator(f"{PANEL} .jp-CodeCell .jp-OutputArea")
    expect(page.locator(VERDICT)).to_contain_text(TRAINED, timeout=RUN)
    print(f"first training, all imports included: {time.monotonic() - started:.1f} s")
    handle = areas.nth(1).locator(".noUi-handle").first
    theirs = describe("interact", delays(page, areas.nth(1), handle, moves=20))
    for view in ("layers", "training"):
        epoch = slider(page, "epoch")
        moves = delays(page, areas.first, epoch)
        assert describe(f"an epoch on, show: {view}", moves) < 0.8 * theirs
        menu(page, "show").press("ArrowDown")
    menu(page, "show").press("Home")
    moves = delays(page, areas.first, slider(page, "depth"), moves=20, in_a_row=1)
    describe("trained picture of four or five layers, in the move", moves)

    set_text(page, LONG)
    expect(stop_button(page)).to_be_enabled(timeout=RUN)
    during = []
    for _ in range(10):  # each move ends the run, and after a pause the next one begins
        during += delays(page, areas.first, slider(page, "depth"), moves=2, in_a_row=1)
        expect(stop_button(page)).to_be_enabled(timeout=RUN)
        page.wait_for_timeout(300)
    assert describe("as initialised, while a run goes on", sorted(during)) < 2 * theirs
    stops = []
    for depth in (40, 39, 38):
        stop_button(page).press("Enter")
        expect(stop_button(page)).to_be_disabled(timeout=15_000)
        set_text(page, f"depth={depth} width=32")
        expect(stop_button(page)).to_be_enabled(timeout=RUN)
        start = time.monotonic()
        stop_button(page).press("Enter")
        expect(stop_button(page)).to_be_disabled(timeout=15_000)
        stops.append(1000 * (time.monotonic() - start))
        expect(page.locator(EXPLORER)).to_contain_text("stopped at epoch", timeout=10_000)
    assert describe("Stop", sorted(stops)) < 1000
    assert cell_errors(page) == []
