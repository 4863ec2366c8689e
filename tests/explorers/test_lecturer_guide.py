"""The hall sees what docs/lecturer_guide.md says: its verdicts, row by row."""

import re
from pathlib import Path

from helpers import explorers

GUIDE = Path(__file__).parents[2] / "docs" / "lecturer_guide.md"


def words_of_each_row():
    rows = [line.split("|") for line in GUIDE.read_text("utf-8").splitlines() if line[:1] == "|"]
    return [re.findall(r"\*\*(\w+)\*\*", row[3]) for row in rows[2:]]


def test_each_row_of_the_guide_names_the_verdicts_that_come(untrained):
    live = explorers.live_demo()
    keys = list(live.presets.values())
    actions = [  # for each row what is done, with a verdict after each
        [live.refresh],
        [lambda: live.set(depth=50)],
        [lambda: live.set(depth=20, width=103), lambda: live.set(width=256)],
        [lambda: (live.reset(), keys[1].click())],
        [lambda: (live.pin(), keys[2].click())],
        [lambda: (live.unpin(), keys[3].click()), lambda: live.set(width=5)],
        [lambda: (live.reset(), keys[4].click()), keys[5].click],
        [keys[0].click, keys[2].click],
        [],  # the game
    ]
    seen = []
    for row in actions:
        seen.append([])
        for act in row:
            act()
            seen[-1].append(re.match(r"\w+", live.verdict).group())
    assert seen == words_of_each_row()
