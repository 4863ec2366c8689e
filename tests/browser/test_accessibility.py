"""For keyboards, screen readers, large print, little motion and a phone: axe-core, and by hand."""

import itertools
import re

import pytest
from accessibility import CONTRAST, complaints, cut, nameless, pale, small
from driver import PANEL, RUN, cell_errors, open_notebook, run_all
from playwright.sync_api import expect
from test_demo import PICTURE, address, hall, leave, server  # noqa: F401  fixtures
from test_explorers import slider, write_explorer, write_notebook

from helpers import explorers

ALL = [name for name in explorers.__all__ if name.endswith("_explorer")] + ["goal_game"]
EXERCISE = """task = Exercise("What is `2 + 2`?", checker=lambda given: "A sum?" * (given != 4),
    hints=["Count.", "Twice two."], solution="answer = 2 + 2")
task"""
OUTPUTS = f"{PANEL} .jp-OutputArea-output"
TRACKER = "/lab/api/settings/@jupyterlab/notebook-extension:tracker"
# Every node that comes into the region which is read out.
LISTEN = """() => {
    window.heard = [];
    const region = document.querySelector('.course-explorer [role=status]');
    new MutationObserver(records => {
        for (const record of records)
            for (const node of record.addedNodes) window.heard.push(node.textContent);
    }).observe(region, {childList: true});
}"""

# The first three numbers that a readout shows from now on, and when.
TIME_STEPS = """readout => {
    window.steps = [];
    new MutationObserver(() => {
        const epoch = Number(readout.textContent);
        if (window.steps.length < 3 && window.steps.at(-1)?.[0] !== epoch) {
            window.steps.push([epoch, performance.now()]);
        }
    }).observe(readout, {childList: true, characterData: true, subtree: true});
}"""


@pytest.fixture
def defaults(page):
    """JupyterLab's default settings, in place of those that the other tests like."""
    before = page.request.get(TRACKER).json()["raw"]
    page.request.put(TRACKER, data={"raw": "{}"})
    yield
    page.request.put(TRACKER, data={"raw": before})


def switch_theme(page, name):
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    entries = page.locator(".lm-Menu-item")  # one with a menu of its own has no role
    entries.filter(has_text="Theme").first.hover()
    entries.filter(has_text=re.compile(f"^{name}$")).click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", name)


def focus_ratios(page):
    """Walk with Tab through an explorer: the contrast of each ring round what has the focus."""
    ratios = {}
    page.locator(".course-explorer button").first.focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        name, width, ratio = page.evaluate(
            f"""() => {{
                const part = document.activeElement;
                const style = getComputedStyle(part);
                const ring = style.outlineStyle === 'none' ? '0px' : style.outlineWidth;
                const home = part.closest('.course-explorer');
                const name = home && (part.className || part.tagName);
                return [name, ring, home && {CONTRAST}(part, 'outlineColor', home)];
            }}"""
        )
        if name is None:
            return ratios
        ratios[name] = ratio if width == "3px" else 0
    return ratios


def test_axe_finds_nothing_in_jupyterlab(page, lab, defaults):
    write_notebook(
        lab,
        "all",
        "from helpers.explorers import *\nfrom helpers.exercises import Exercise, predict",
        *(f"{name}()" for name in ALL),
        "predict('Which is more?', ['one', 'two'], answer='two', why='Count.')",
        EXERCISE,
        "task.check(5)",
    )
    open_notebook(page, "all.ipynb")
    run_all(page)
    page.get_by_role("button", name="Kill a ReLU network").click()  # the game's explorer comes
    voices = page.locator(".course-explorer [role=status]")
    expect(voices).to_have_count(len(ALL), timeout=RUN)  # one an explorer, the game's included
    for voice in voices.all():
        expect(voice).not_to_be_empty(timeout=RUN)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        if theme != page.locator("body").get_attribute("data-jp-theme-name"):
            switch_theme(page, theme)
        assert complaints(page, OUTPUTS) == []
        assert pale(page) == []
        rings = focus_ratios(page)
        assert len(rings) >= 5 and min(rings.values()) >= 3, rings
    assert small(page) == []
    assert nameless(page) == []
    for width, height in ((640, 360), (320, 640)):  # 1280 x 720 at 200 %, and the narrowest
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(500)
        assert cut(page) == []
        if width == 640:
            page.keyboard.press("Control+b")  # 320 pixels have no room for the list of files
    handles = page.locator(".course-explorer .noUi-target").all()
    assert min(handle.bounding_box()["width"] for handle in handles) >= 80
    assert cell_errors(page) == []


def test_an_explorer_speaks_once_when_it_comes_to_rest(page, lab):
    write_explorer(lab, "gradient_explorer")
    open_notebook(page, "gradient_explorer.ipynb")
    run_all(page)
    area = page.locator(".course-explorer")
    voice = area.get_by_role("status")
    verdict = area.locator(".course-verdict")
    setting = area.get_by_label("setting")
    expect(voice).to_contain_text("After 100 epochs", timeout=RUN)
    page.evaluate(LISTEN)
    for _ in range(8):
        slider(page, "depth").press("ArrowRight")
        page.wait_for_timeout(100)
    assert page.evaluate("window.heard") == []  # while it moves
    expect(slider(page, "depth")).to_have_attribute("aria-valuetext", "12")
    expect(setting).to_have_value(re.compile("depth=12 "), timeout=RUN)
    expect(verdict).to_contain_text("After 100 epochs", timeout=RUN)
    expect(voice).to_have_text(verdict.inner_text(), timeout=RUN)
    # as initialised and trained; one more where the kernel is slow to follow
    assert len(page.evaluate("window.heard")) <= 3

    epoch = area.locator(".widget-slider", has=page.get_by_text("epoch", exact=True))
    readout = epoch.locator(".widget-readout")
    readout.fill("88")
    readout.press("Enter")
    expect(voice).to_contain_text("at epoch 88")
    page.evaluate("window.heard = []")
    area.get_by_role("button", name="Play or pause the epochs").press("Enter")
    expect(readout).to_have_text("100", timeout=15_000)
    page.wait_for_function("window.heard.length > 0")
    page.wait_for_timeout(1500)
    assert page.evaluate("window.heard") == [verdict.inner_text()]
    assert "at epoch 100" in verdict.inner_text()

    page.emulate_media(reduced_motion="reduce")
    area.get_by_role("button", name="Back to epoch 0").press("Enter")
    expect(readout).to_have_text("0")
    page.wait_for_timeout(1000)  # until the kernel has heard of it
    readout.evaluate(TIME_STEPS)
    area.get_by_role("button", name="Play or pause the epochs").press("Enter")
    page.wait_for_function("window.steps.length === 3", timeout=15_000)
    steps = page.evaluate("window.steps")
    assert [epoch for epoch, _ in steps] == [10, 20, 30]
    pauses = [later - sooner for (_, sooner), (_, later) in itertools.pairwise(steps)]
    assert min(pauses) >= 800  # a second each, less what a busy machine was late with
    moving = area.evaluate(
        """home => [...home.querySelectorAll('*')].filter(part => {
            part.classList.add('noUi-state-tap');
            return getComputedStyle(part).transitionDuration !== '0s';
        }).length"""
    )
    assert moving == 0
    assert cell_errors(page) == []


def test_the_page_for_a_hall_is_a_page(hall):  # noqa: F811
    hall.get_by_role("button", name="Kill a ReLU network").click()  # the game's explorer comes
    for part in (".course-live", ".course-game"):
        expect(hall.locator(f"{part} [role=status]")).not_to_be_empty(timeout=RUN)
    assert complaints(hall) == []
    assert pale(hall) == []
    assert small(hall) == []
    assert nameless(hall) == []
    assert hall.evaluate("document.documentElement.lang") == "en"
    assert hall.title().startswith("Vanishing gradients")
    assert hall.locator("main h1").count() == hall.locator("h1, [role=main], main").count() - 1 == 1
    for key in ("PageDown", "Space", "End"):
        hall.keyboard.press(key)
        hall.wait_for_function("scrollY > 200")
        hall.evaluate("scrollTo(0, 0)")
    for size in ((640, 360), (320, 640)):  # 200 % of the hall's, and the narrowest of all
        hall.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        hall.wait_for_function(f"document.documentElement.scrollWidth <= {size[0]}")
        assert cut(hall) == []


@pytest.fixture
def phone(browser, address):  # noqa: F811
    options = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2}
    context = browser.new_context(viewport={"width": 390, "height": 844}, **options)
    page = context.new_page()
    page.goto(address)
    expect(page.locator(PICTURE)).to_be_visible(timeout=60_000)
    yield page
    leave(page)
    context.close()


def drag(page, start, way):
    """Drag a finger so many pixels to the right."""
    touch = page.context.new_cdp_session(page)
    x, y = start
    for kind, dx in (("Start", 0), *(("Move", way * k / 8) for k in range(1, 9)), ("End", None)):
        points = [] if dx is None else [{"x": x + dx, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        page.wait_for_timeout(30)


def test_a_finger_on_a_phone_is_enough(phone):
    live = phone.locator(".course-live")
    setting = live.get_by_label("setting")
    menu = live.get_by_role("combobox", name="activation")
    menu.tap()
    menu.select_option("tanh")
    expect(setting).to_have_value(re.compile("activation=tanh "))
    handle = live.get_by_role("slider", name="depth")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    before = phone.evaluate("scrollY")
    drag(phone, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), 60)
    assert phone.evaluate("scrollY") == before  # the page stays where it is
    depth = int(handle.get_attribute("aria-valuetext"))
    assert 30 <= depth <= 50
    expect(setting).to_have_value(re.compile(f"depth={depth} "))
    live.get_by_role("button", name="4 He 2015").tap()
    expect(setting).to_have_value(re.compile("activation=relu initializer=he_"))
    expect(live.locator(".course-verdict")).not_to_be_empty()
    assert phone.evaluate("innerWidth") == 390  # nothing widens the page
