"""The hall's predictions on a real hub: counted without names, and in nobody's way."""

import os
import re
import signal
import sys
import time

import psutil
import pytest
import requests
from accessibility import complaints
from learner import CLASS, PASSWORD, TEACHERS, Learner, text
from playwright.sync_api import expect

import tasks
from helpers.exercises import hall as client
from helpers.exercises.lessons import read_lesson

sys.path.append(str(tasks.ROOT / "deploy"))
import hall as service

ASKED = read_lesson(tasks.ROOT / "notebooks/01_product_of_derivatives.ipynb").predictions
FIRST, SECOND = ASKED[0], ASKED[1]
# Asks the lesson's first question in a kernel, as the lesson does.
ASK = """
import os
os.chdir(os.path.expanduser("~/vanishing-gradients/notebooks"))
from helpers.exercises import predict
guess = predict({question!r}, {options!r}, answer={answer!r}, why="So.")
guess
"""
# The service hears of it by a thread: wait until that has nothing left to do.
SETTLE = """
import time
from helpers.exercises import hall
deadline = time.monotonic() + 20
done = []
hall._send(lambda: done.append(True))
while not done and time.monotonic() < deadline:
    time.sleep(0.05)
print(bool(done), hall.is_on(), guess.counted, "|", guess.hall, "|", guess.notice)
"""


def ask(asked):
    return ASK.format(question=asked.question, options=list(asked.options), answer=asked.answer)


class Kernel:
    """The page of the service as a kernel sees it, with any token."""

    def __init__(self, hub, token):
        self.address = f"{hub.address}/services/hall/"
        self.headers = {"Authorization": f"token {token}"}

    def __call__(self, method, path, **options):
        return requests.request(
            method,
            self.address + path,
            headers=self.headers,
            proxies={"http": ""},
            allow_redirects=False,
            **options,
        )


def choice(asked):
    return f"choices/{client.fingerprint(asked.question, asked.options)}"


@pytest.fixture(scope="module")
def more(hub):
    """Learners without a server, of whom the service needs no more than a token."""
    names = ("eva", "finn", "gus", "hana", "ida")
    return [Kernel(hub, Learner(hub.address, name, PASSWORD).token()) for name in names]


def test_both_sides_know_a_question_by_the_same_mark():
    questions = service.read_questions(tasks.ROOT / "notebooks")
    for path in sorted((tasks.ROOT / "notebooks").glob("[0-9]*.ipynb")):
        for asked in read_lesson(path).predictions:
            mark = client.fingerprint(asked.question, asked.options)
            _, question, options = questions.pop(mark)
            assert (question, list(options)) == (asked.question, list(asked.options))
    assert questions == {}


def test_who_shows_no_token_learns_nothing(hub):
    for token in ("", "0" * 32):
        for method in ("GET", "PUT", "DELETE"):
            assert Kernel(hub, token)(method, choice(FIRST)).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (choice(SECOND), '{"option": 4}', 400),
        (choice(SECOND), '{"option": -1}', 400),
        (choice(SECOND), '{"option": true}', 400),
        (choice(SECOND), '{"option": "<b>"}', 400),
        (choice(SECOND), "[1]", 400),
        (choice(SECOND), "half {", 400),
        (choice(SECOND), "", 400),
        ("choices/" + "0" * 16, '{"option": 1}', 404),
        ("choices/../hub", '{"option": 1}', 404),
    ],
)
def test_what_is_no_choice_is_refused(more, path, body, status):
    assert more[0]("PUT", path, data=body).status_code == status
    assert more[0]("GET", choice(SECOND)).status_code == 403


def test_counts_are_seen_after_choosing_and_from_five_answers_on(more):
    for number, kernel in enumerate(more):
        assert kernel("GET", choice(SECOND)).status_code == 403
        assert kernel("PUT", choice(SECOND), json={"option": 1}).status_code == 204
        counts = kernel("GET", choice(SECOND)).json()["counts"]
        assert counts == ([0, 5, 0, 0] if number == 4 else None)
    # a changed mind replaces a choice; one that is taken back is gone, and the counts with it
    more[0]("PUT", choice(SECOND), json={"option": 3})
    assert more[1]("GET", choice(SECOND)).json()["counts"] == [0, 4, 0, 1]
    more[0]("DELETE", choice(SECOND))
    assert more[0]("GET", choice(SECOND)).status_code == 403
    assert more[1]("GET", choice(SECOND)).json() == {"answers": 4, "counts": None}
    more[0]("PUT", choice(SECOND), json={"option": 3})


def test_a_learner_sees_no_page_of_the_lecturer(hub, more):
    for path in ("questions", "answers", "counts/" + choice(SECOND).split("/")[1]):
        assert more[0]("GET", path).status_code in (302, 403)
    browser = Learner(hub.address, "eva", PASSWORD)
    for path in ("", "questions", "answers"):
        reply = browser.session.get(f"{hub.address}/services/hall/{path}")
        assert reply.status_code == 403 and "What the hall" not in reply.text


def test_no_log_says_who_chose(hub, more):
    """The proxy may log that somebody asked; nothing says who asked about which question."""
    mark = choice(SECOND).split("/")[1]
    lines = [line for line in hub.log.read_text().splitlines() if mark in line]
    names = (*CLASS, "eva", "finn", "gus", "hana", "ida")
    assert [line for line in lines if re.search("|".join(names), line)] == []


def settle(learner):
    """Return whether the service was asked and is on, the wish, and the words for the learner."""
    facts, said, notice = text(learner.run(SETTLE)).strip().split("|")
    return facts.split(), said.strip(), notice.strip()


@pytest.fixture(scope="module")
def kernels(learners):
    for learner in learners[:2]:
        learner.wait_for_server()
        learner.open("vanishing-gradients/notebooks/00_start_here.ipynb")
    return learners[:2]


def test_a_kernel_counts_a_choice_and_shows_the_hall_once_it_is_decided(kernels, more, teacher):
    for kernel in more:
        kernel("PUT", choice(FIRST), json={"option": 2})
    learner = kernels[0]
    learner.choose(learner.run(ask(FIRST)), FIRST.options[0])
    facts, said, notice = settle(learner)
    # before the answer is on the page, the hall's opinion isn't either
    assert facts == ["True", "True", "True"] and said == notice == ""
    learner.run("guess.reveal()")
    _, said, _ = settle(learner)
    counted = dict(re.findall(r"([\d.]+): (\d+)", said))
    assert said.startswith("The hall says: ") and int(counted[FIRST.options[0]]) >= 1
    assert sum(map(int, counted.values())) >= 6


def test_who_does_not_want_to_be_counted_is_not(kernels, more):
    learner = kernels[1]
    learner.choose(learner.run(ask(FIRST)), FIRST.options[1])
    settle(learner)
    before = more[0]("GET", choice(FIRST)).json()
    learner.run("guess.counted = False")
    facts, *_ = settle(learner)
    assert facts[-1] == "False"
    after = more[0]("GET", choice(FIRST)).json()
    assert after["answers"] == before["answers"] - 1
    assert after["counts"][1] == before["counts"][1] - 1
    # the wish holds for the next question, and in another kernel
    learner.choose(learner.run(ask(SECOND)), SECOND.options[0])
    facts, said, _ = settle(learner)
    assert facts[-1] == "False" and said == ""
    assert more[1]("GET", choice(SECOND)).json()["counts"][0] == 0
    learner.run("guess.counted = True")
    settle(learner)
    assert more[1]("GET", choice(SECOND)).json()["counts"][0] == 1


# ---------------------------------------------------------------- the lecturer's page


@pytest.fixture
def page(hub):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=tasks.find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{hub.address}/services/hall/")
        page.locator("input[name=username]").fill("teacher")
        page.locator("input[name=password]").fill(TEACHERS)
        page.locator("input[type=submit]").click()
        expect(page.locator("#questions option")).not_to_have_count(0)
        yield page
        chromium.close()
        assert not errors


def test_the_lecturer_sees_a_histogram_when_asking_for_it(page, more, tmp_path):
    for number, kernel in enumerate(more):
        kernel("PUT", choice(FIRST), json={"option": 1 if number < 3 else 2})
    page.locator("#questions").select_option(label=FIRST.question)
    expect(page.locator("#question")).to_have_text(FIRST.question)
    expect(page.locator("tbody th")).to_have_text(list(FIRST.options))
    expect(page.locator("#status")).to_have_text(re.compile(r"^[5-9] answers$"))
    # not before it is asked for: a bar that grows as somebody clicks would say who it was
    assert page.locator(".bar").evaluate_all("bars => bars.every(bar => bar.offsetWidth === 0)")
    page.get_by_role("button", name="Show the counts").click()
    expect(page.locator("#status")).to_have_text(re.compile("answers counted$"))
    counts = [int(count) for count in page.locator("tbody td:last-child").all_inner_texts()]
    widths = page.locator(".bar").evaluate_all("bars => bars.map(bar => bar.offsetWidth)")
    track = page.locator(".track").first.evaluate("part => part.offsetWidth")
    assert counts[1] >= 3 and counts[2] >= 2
    for count, width in zip(counts, widths, strict=True):
        assert abs(width - track * count / sum(counts)) <= 1
    page.screenshot(path=tmp_path / "hall.png")


def test_the_page_is_in_sight_as_a_whole_and_axe_finds_nothing(page):
    longest = max(ASKED, key=lambda asked: len(asked.question) + len("".join(asked.options)))
    page.locator("#questions").select_option(label=longest.question)
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollHeight") <= 720
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    sizes = page.evaluate(
        "['#question', 'tbody th', 'tbody td:last-child'].map(name => "
        "parseFloat(getComputedStyle(document.querySelector(name)).fontSize))"
    )
    assert min(sizes) >= 28  # pixels: 1/25 of the height, for the back row


def test_each_question_of_the_course_fits_the_screen(page):
    tall = []
    for mark in page.locator("#questions option").evaluate_all("all => all.map(o => o.value)"):
        page.locator("#questions").select_option(mark)
        if page.evaluate("document.documentElement.scrollHeight") > 720:
            tall.append(page.locator("#question").inner_text())
    assert tall == []


def test_clear_empties_a_question_and_a_stranger_cannot(page, hub, more):
    mark = choice(SECOND).split("/")[1]
    page.locator("#questions").select_option(mark)
    # without the page's own cookie in a header, as another site would ask
    assert page.request.delete(f"{hub.address}/services/hall/counts/{mark}").status == 403
    page.get_by_role("button", name="Clear this question").click()
    expect(page.locator("#status")).to_have_text("0 answers")
    assert more[0]("GET", choice(SECOND)).status_code == 403
    page.get_by_role("button", name="Show the counts").click()
    expect(page.locator("#status")).to_have_text(re.compile("^0 of the 5 answers"))


# ---------------------------------------------------------------- last: the service is gone


def test_where_the_service_is_down_the_learner_notices_nothing(kernels, hub):
    learner = kernels[0]
    (process,) = [
        child
        for child in psutil.Process(hub.process.pid).children(recursive=True)
        if "hall.py" in " ".join(child.cmdline())
    ]
    # stopped, not ended: the worst case, a service that takes a request and never answers
    os.kill(process.pid, signal.SIGSTOP)
    try:
        shown = learner.run(ask(ASKED[2]))
        start = time.monotonic()
        learner.choose(shown, ASKED[2].options[0])
        learner.run("guess.reveal()")
        assert time.monotonic() - start < client.PATIENCE
        facts, said, notice = settle(learner)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert facts[0] == "True" and said == notice == "" and learner.log == []
