import html
import re

import pytest

from helpers import goals
from helpers.explorers import networks, training
from helpers.goals import GOALS, goal_game

SOLUTIONS = {
    "Make 30 sigmoid layers learn": {"normalization": "batch", "residual": True},
    "Kill a ReLU network": {"depth": 50, "width": 2},
    "Stop the vanishing by width": {"width": 103},
}
FALSE_STARTS = {  # and what the page says of them
    "Make 30 sigmoid layers learn": [
        ({"learning_rate": 0.1}, "told nothing"),
        ({"initializer": "zeros"}, "10 of 10 networks are dead"),
        ({"activation": "tanh"}, "Not allowed: activation must stay sigmoid"),
        ({"width": 6}, "Not allowed: width must stay 5"),
        (
            {"normalization": "batch", "learning_rate": 0.01, "residual": True},
            "Too many: take one back",
        ),
    ],
    "Kill a ReLU network": [
        ({"depth": 10}, "for a single input the chance is 27 %"),
        ({"initializer": "zeros"}, "Not allowed: initializer must stay he_normal"),
    ],
    "Stop the vanishing by width": [
        ({"width": 64}, "by 0.892 per layer: it shrinks."),
        ({"width": 256}, "by 1.246 per layer: it grows."),
    ],
}


@pytest.fixture(scope="module")
def game():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SYNCHRONOUS", True)
        yield goal_game()


def said(game):
    return html.unescape(re.sub("<[^>]+>", "", game.said.value))


@pytest.mark.parametrize("name", GOALS)
def test_a_goal_is_not_met_at_the_start_nor_by_a_wrong_try_but_by_a_solution(
    game, name, monkeypatch
):
    if name != "Make 30 sigmoid layers learn":  # judged as initialised: a short run will do
        monkeypatch.setattr(networks, "EPOCHS", 1)
    game.goals[name].click()
    assert said(game).startswith(GOALS[name].text) and "Not yet" in said(game)
    assert f"Changes: 0 of {GOALS[name].num_changes}" in said(game)
    for change, reason in FALSE_STARTS[name]:
        game.explorer.reset()
        game.explorer.set(**change)
        assert reason in said(game) and "Goal met" not in said(game)
    game.explorer.reset()
    game.explorer.set(**SOLUTIONS[name])
    assert "Goal met" in said(game), said(game)
    assert len(SOLUTIONS[name]) <= GOALS[name].num_changes
    game.explorer.controls["seed"].click()  # a new draw is no change
    assert "Goal met" in said(game)


def test_reset_leads_back_to_the_start_of_the_goal(game):
    game.goals["Kill a ReLU network"].click()
    game.explorer.set(depth=40)
    game.explorer.reset()
    start = {name: game.explorer.values[name] for name in goals.GOALS["Kill a ReLU network"].start}
    assert start == goals.GOALS["Kill a ReLU network"].start


def test_the_game_and_its_explorer_have_one_voice(game):
    said = game.explorer._page.said
    assert "Changes: 0 of 2" in said and game.explorer.verdict in said
    assert "role" not in game.said.value
