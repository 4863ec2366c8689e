"""The page is put together from its parts, and holds nothing that it shouldn't."""

import re

import pytest

from helpers.catalogue import ACTIVATIONS, INITIALIZERS
from page import build, tables


@pytest.fixture(scope="module")
def text():
    return build.page(b"tables", lessons="lessons/index.html")


def test_every_part_is_in_its_place(text):
    assert "{{" not in text
    assert 'href="lessons/index.html"' in text
    assert "lessons/index.html" not in build.page(b"tables")


def test_it_asks_for_nothing_elsewhere(text):
    without_names = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//cdn|@import|url\(", without_names)


def test_all_of_the_catalogue_is_offered():
    choices = build.facts()["choices"]
    assert choices["activation"] == [*ACTIVATIONS]
    assert choices["initializer"] == [*INITIALIZERS]
    assert len(choices["normalization"]) == len(tables.NORMS)


def test_a_colour_stands_out_on_the_dark_ground():
    css = (build.SOURCES / "page.css").read_text(encoding="utf-8")
    assert f"--ground: {build.DARK_GROUND};" in css
    ground = build.luminance(build.DARK_GROUND) + 0.05
    for _, dark in build.facts()["colors"].values():
        assert (build.luminance(dark) + 0.05) / ground >= build.DARK_CONTRAST


def test_the_first_setting_and_the_presets_are_offered():
    facts = build.facts()
    for values in (facts["first"], *facts["presets"].values()):
        for name, value in values.items():
            assert value in facts["choices"][name]
    assert len(facts["presets"]) >= 5
