"""`make demo`: the page for a hall, as a lecturer uses it."""

import re
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from playwright.sync_api import expect

import tasks

NOTHING_ELSE = (
    "README.md",
    "files/README.md",
    "voila/files/README.md",
    "voila/files/notebooks/live_demo.ipynb",
    "voila/render/notebooks/01_product_of_derivatives.ipynb",
    "voila/tree",
    "tree",
    "lab",
    "api/contents",
    "api/kernels",
)
PICTURE = ".course-live img.widget-image"
VERDICT = ".course-live .course-verdict"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`make demo`, running; its address holds the token."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("demo") / "demo.log"
    command = [sys.executable, tasks.__file__, "demo", "--no-browser", f"--port={port}"]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        announced = None
        while not announced:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
            announced = re.search(r"The page is at (\S+) ", log.read_text())
        yield SimpleNamespace(pid=process.pid, address=announced.group(1), log=log)
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def address(server):
    return server.address


@pytest.fixture
def hall(browser, address):
    """The page at the size of a projector, its first picture drawn; nothing left this machine."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    asked = []
    errors = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    expect(page.locator(PICTURE)).to_be_visible(timeout=60_000)
    yield page
    leave(page)
    assert not errors
    assert all(re.match(r"(http|ws)://localhost|data:|blob:", url) for url in asked)


def leave(page):
    """Close a page as a person does; Playwright's `close` is sudden, and says no farewell."""
    page.goto("about:blank")
    page.close()


def kernels(server):
    return [child for child in psutil.Process(server.pid).children() if child.is_running()]


def until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_number_keys_press_the_presets(hall):
    presets = {
        "3": "glorot_uniform",
        "4": "activation=relu",
        "1": "standard_normal",
        "6": "residual=a_+_φ(z)",
    }
    for key, words in presets.items():
        before = hall.locator(PICTURE).get_attribute("src")
        hall.keyboard.press(key)
        expect(hall.locator(PICTURE)).not_to_have_attribute("src", before, timeout=15_000)
        setting = hall.locator(".course-live").get_by_label("setting")
        expect(setting).to_have_value(re.compile(re.escape(words)))
    setting.fill("depth=9")  # a digit typed in a field is no key
    setting.press("Enter")
    expect(hall.locator(VERDICT)).to_be_visible()
    expect(setting).to_have_value(re.compile("depth=9 .*residual"))
    hall.locator(".course-live select").first.press("3")
    hall.locator(".course-game").evaluate("e => e.scrollIntoView()")
    hall.locator(".course-game button").first.press("3")  # the presets are out of sight
    hall.wait_for_timeout(500)
    expect(setting).to_have_value(re.compile("depth=9 .*residual"))


def test_the_address_may_hold_a_setting_and_copy_gives_it(hall, address):
    hall.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hall.goto(f"{address}&setting=depth%3D7+activation%3Dtanh")
    setting = hall.locator(".course-live").get_by_label("setting")
    expect(setting).to_have_value(re.compile("activation=tanh .*depth=7 "), timeout=60_000)
    hall.locator(".course-live").get_by_role("button", name="Copy").click()
    copied = hall.evaluate("navigator.clipboard.readText()")
    page, _ = address.split("?")
    assert copied.startswith(f"{page}?setting=activation%3Dtanh")  # without the token
    hall.goto(f"{page}?setting=<img src=x onerror=alert(1)>")
    expect(hall.locator(VERDICT)).to_contain_text("Expected name=value", timeout=60_000)
    assert hall.locator("img[src=x]").count() == 0


def test_it_fills_the_screen_and_can_be_read_from_the_back(hall):
    picture, verdict = (hall.locator(part).bounding_box() for part in (PICTURE, VERDICT))
    assert picture["width"] >= 750 and picture["y"] + picture["height"] <= 720
    assert verdict["y"] + verdict["height"] <= 720
    for part, least in ((".course-presets button", 20), (VERDICT, 20)):
        size = hall.locator(part).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= least
    assert hall.locator(".course-live .jp-InputArea").count() == 0  # no code in sight


@pytest.mark.parametrize("size", [(1920, 1080), (1024, 768), (390, 844), (320, 640)])
def test_nothing_is_cut_on_any_screen(browser, address, size):
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(address)
    expect(page.locator(PICTURE)).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in page.locator(
        ".course-live :is(button, select, input, textarea, img, .noUi-target, .widget-readout, p)"
    ).all():
        box = part.bounding_box()
        if box:
            assert box["x"] >= 0 and box["x"] + box["width"] <= width
    if width >= 1024:  # a hall's
        picture = page.locator(PICTURE).bounding_box()
        assert picture["y"] + picture["height"] <= height
        assert picture["width"] >= 0.55 * width
    leave(page)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (1024, 768)])
def test_all_of_it_is_in_sight_and_rows_stay_where_they_are_when_a_is_pinned(
    browser, address, size
):
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(address)
    live = page.locator(".course-live")
    expect(page.locator(VERDICT)).to_contain_text("After 100 epochs", timeout=90_000)
    below = [live.locator(part) for part in (".widget-play", ".course-setting")]
    before = [part.bounding_box() for part in below]
    assert before[-1]["y"] + before[-1]["height"] <= height
    live.get_by_role("button", name="Pin as A").click()
    page.keyboard.press("3")
    expect(page.locator(VERDICT)).to_contain_text("accuracy after 100 epochs", timeout=90_000)
    assert [part.bounding_box()["y"] for part in below] == [box["y"] for box in before]
    column = live.locator(".course-column")
    assert column.evaluate("e => e.scrollHeight - e.clientHeight") <= 0  # nothing is hidden
    leave(page)


def test_training_plays_and_the_game_counts(hall):
    live = hall.locator(".course-live")
    expect(hall.locator(VERDICT)).to_contain_text("After 100 epochs", timeout=90_000)
    epoch = live.locator(".widget-slider", has=hall.get_by_text("epoch", exact=True))
    epoch.locator(".noUi-handle").press("End")
    expect(epoch.locator(".widget-readout")).to_have_text("100")
    before = hall.locator(PICTURE).get_attribute("src")
    live.locator(".widget-play button").first.press("Enter")
    expect(hall.locator(PICTURE)).not_to_have_attribute("src", before, timeout=15_000)
    game = hall.locator(".course-game")
    game.get_by_role("button", name="Kill a ReLU network").press("Enter")
    expect(game).to_contain_text("Changes: 0 of 2")
    setting = game.get_by_label("setting")
    setting.fill("depth=50 width=2")
    setting.press("Enter")
    expect(game).to_contain_text("Changes: 2 of 2")
    expect(game).to_contain_text("Goal met")


def test_a_page_s_kernel_ends_with_it_and_a_dead_one_is_said_in_words(browser, server):
    context = browser.new_context()  # a window, which stays open without the page
    sudden = context.new_page()
    sudden.goto(server.address)
    expect(sudden.locator(PICTURE)).to_be_visible(timeout=60_000)
    sudden.close()  # as a browser that dies
    until(lambda: not kernels(server), seconds=90)
    page = context.new_page()
    page.goto(server.address)
    for _ in range(4):
        expect(page.locator(PICTURE)).to_be_visible(timeout=60_000)
        page.reload()
    expect(page.locator(PICTURE)).to_be_visible(timeout=60_000)
    until(lambda: len(kernels(server)) == 1, seconds=20)
    page.wait_for_timeout(500)
    assert page.locator(".course-lost").count() == 0
    kernels(server)[0].kill()
    expect(page.locator(".course-lost [role=alert]")).to_contain_text("ended", timeout=30_000)
    page.get_by_role("button", name="Reload the page").click()
    expect(page.locator(PICTURE)).to_be_visible(timeout=60_000)
    assert page.locator(".course-lost").count() == 0
    page.close(run_before_unload=True)
    until(lambda: not kernels(server), seconds=20)
    context.close()


def test_without_the_token_or_by_another_name_nothing_opens(browser, server):
    page, _ = server.address.split("?")
    stranger = browser.new_context()
    assert "/login" in stranger.request.get(page).url
    for path in NOTHING_ELSE:
        assert stranger.request.get(server.address.replace("?", path + "?")).status == 403, path
    # logged in by the cookie of these answers, as a page elsewhere would use it
    assert stranger.request.post(f"{page}api/kernels").status == 403
    rebound = stranger.request.get(server.address, headers={"Host": "example.org"})
    assert rebound.status == 403
    token = server.address.split("token=")[1]
    assert not any(
        token in " ".join(process.info["cmdline"] or ())
        for process in psutil.process_iter(["cmdline"])
    )
    stranger.close()
