"""The course as a site in a real browser: two lessons and the glossary, run and built for this."""

import http.server
import subprocess
import sys
import threading
from functools import partial

import pytest
from accessibility import complaints
from playwright.sync_api import expect

import tasks
from helpers.exercises.lessons import read_lesson

START = "00_start_here"
LESSON = "04_glorot_initialization"
PAGES = ["index", START, LESSON, "glossary", "lecturer_guide"]
PREDICTIONS = read_lesson(tasks.ROOT / "notebooks" / f"{LESSON}.ipynb").predictions
OURS = ["prediction", "explorer-picture", "task", "note", "tally"]
THEMES = ["light", "dark"]
SIZES = [(1280, 720), (1024, 768), (390, 844)]
# What sticks out to the right; code and formulas may be scrolled within their own box.
STICKS_OUT = """[...document.querySelectorAll('article :is(p, img, figure, label, summary, table)')]
    .filter(part => part.offsetParent && !part.closest('pre, .table-wrapper, .cell_output')
        && part.getBoundingClientRect().right > innerWidth + 1)
    .map(part => part.outerHTML.slice(0, 200))"""


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing about it."""

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The address of the site, built once."""
    folder = tmp_path_factory.mktemp("site") / "lessons"
    build = tasks.ROOT / "docs" / "site" / "build_site.py"
    numbers = [START[:2], LESSON[:2]]
    subprocess.run([sys.executable, build, folder, *numbers], check=True)
    handler = partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def visit(site, browser):
    """A function that opens a page; an error, or a request to another host, fails the test."""
    contexts = []
    faults = []

    def open_page(name, theme="light", size=SIZES[0], **options):
        width, height = size
        context = browser.new_context(
            base_url=site,
            color_scheme=theme,
            viewport={"width": width, "height": height},
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.extend(foreign(request.url, site)))
        page.on("response", lambda answer: faults.extend(failed(answer)))
        page.goto(name, wait_until="networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def foreign(address, site):
    return [] if address.startswith((site, "data:")) else [f"another host: {address}"]


def failed(answer):
    """Every browser asks for an icon by itself; there is none."""
    is_fault = answer.status >= 400 and not answer.url.endswith("/favicon.ico")
    return [f"{answer.status}: {answer.url}"] if is_fault else []


def first_question(page):
    return page.locator(".course-prediction").first


def results(page):
    """What comes out below the first question, up to the second."""
    return page.evaluate(
        """() => {
            const parts = [...document.querySelectorAll('.course-prediction, .below-input')];
            const [first, second] = parts.flatMap((part, place) =>
                part.matches('.course-prediction') ? [place] : []);
            return parts.slice(first + 1, second).map(fold => fold.open);
        }"""
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_formulas_and_pictures_and_asks_no_other_host(visit, name):
    page = visit(f"{name}.html")
    for picture in page.locator("article img").all():
        picture.evaluate("async picture => { picture.loading = 'eager'; await picture.decode(); }")
        assert picture.get_attribute("alt")
    formulas = page.locator("article .math").count()
    assert page.locator("article mjx-container").count() == formulas
    assert formulas > 0 or name not in (LESSON, "glossary")


def test_a_choice_by_mouse_is_answered_and_shows_what_comes_out(visit):
    page = visit(f"{LESSON}.html")
    question = first_question(page)
    asked = PREDICTIONS[0]
    wrong = next(option for option in asked.options if option != asked.answer)
    assert asked.why not in page.locator("body").text_content()
    assert results(page) and not any(results(page))
    question.get_by_text(wrong, exact=True).click()
    reply = question.get_by_role("status")
    expect(reply).to_have_text(f"✗ You said: {wrong}. The answer: {asked.answer}. {asked.why} ")
    assert all(results(page))
    # nothing but the options may be chosen, and the first choice counts
    assert question.locator("input").count() == len(asked.options)
    assert question.locator("input:disabled").count() == len(asked.options)
    tally = page.locator(".course-tally")
    expect(tally).to_contain_text(f"you made 1 of {len(PREDICTIONS)} predictions; 0 came true")


def test_a_choice_by_keyboard_is_answered(visit):
    page = visit(f"{LESSON}.html")
    asked = PREDICTIONS[0]
    question = first_question(page)
    page.evaluate("document.querySelector('.course-prediction').scrollIntoView()")
    question.locator("input").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    for _ in range(asked.options.index(asked.answer)):
        page.keyboard.press("ArrowDown")
    # an arrow moves, and chooses nothing
    assert question.locator("input:checked").count() == 0
    page.keyboard.press("Space")
    expect(question.get_by_role("status")).to_contain_text("✓ You said so.")
    # on from here, not from the top
    page.keyboard.press("Tab")
    assert page.evaluate(
        """document.querySelector('.course-prediction')
            .compareDocumentPosition(document.activeElement) & Node.DOCUMENT_POSITION_FOLLOWING"""
    )


def test_without_javascript_a_prediction_is_a_form_with_its_answer_folded(visit):
    page = visit(f"{LESSON}.html", java_script_enabled=False)
    question = first_question(page)
    asked = PREDICTIONS[0]
    for option in asked.options:
        question.get_by_label(option, exact=True).check()
    answer = question.get_by_text(f"The answer: {asked.answer}. {asked.why}")
    expect(answer).to_be_hidden()
    question.locator("summary").click()
    expect(answer).to_be_visible()


def test_search_finds_a_word(visit):
    page = visit("index.html")
    page.get_by_role("textbox", name="Search").fill("Glorot")
    page.keyboard.press("Enter")
    found = page.locator(f"ul.search a[href^='{LESSON}.html']").first
    found.click()
    expect(page.locator("h1")).to_contain_text("04 · How large should the initial weights be?")


def test_previous_and_next_lead_through_the_lessons(visit):
    page = visit(f"{START}.html")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("h1")).to_contain_text("04 ·")
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("h1")).to_contain_text("00 ·")


def test_a_term_leads_to_its_place_in_the_glossary(visit):
    page = visit(f"{START}.html")
    page.locator("a[href='glossary.html#vanishing']").first.click()
    expect(page.locator("#vanishing h3")).to_be_in_viewport()


@pytest.mark.parametrize("theme", THEMES)
def test_a_picture_is_light_in_both_themes(visit, theme):
    page = visit(f"{LESSON}.html", theme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (min(map(int, ground[4:-1].split(","))) > 200) == (theme == "light")
    for picture in page.locator("article img").all():
        color = picture.evaluate("part => getComputedStyle(part).backgroundColor")
        assert color == "rgb(255, 255, 255)"


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}".format)
@pytest.mark.parametrize("theme", THEMES)
def test_our_parts_of_a_page_are_accessible_and_nothing_sticks_out(visit, theme, size):
    for name in (START, LESSON):
        page = visit(f"{name}.html", theme, size)
        for question in page.locator(".course-prediction").all()[::2]:
            question.locator("input").first.check()
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        for part in OURS:
            if page.locator(f".course-{part}").count():
                assert complaints(page, f".course-{part}") == []
        assert complaints(page, "details.hide > summary") == []
        assert page.evaluate(STICKS_OUT) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
