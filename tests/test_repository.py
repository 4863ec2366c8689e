"""What a maintainer keeps beside the course: workflows, and pages that promise something."""

import json
import re

import pytest
import versions
import yaml

import tasks

ROOT = tasks.ROOT
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text("utf-8"))
    for path in (ROOT / ".github/workflows").glob("*.yml")
}
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/accessibility.md")


def job(name):
    (only,) = WORKFLOWS[name]["jobs"].values()
    return only


def commands(name):
    return [step["run"] for step in job(name)["steps"] if "run" in step]


def test_every_system_runs_every_check_with_every_python():
    matrix = job("test")["strategy"]["matrix"]
    assert sorted(matrix["python"]) == sorted(map(tasks.version, tasks.PYTHONS))
    systems = {system.split("-")[0] for system in matrix["os"]}
    assert systems == {"ubuntu", "macos", "windows"}
    assert commands("test") == ["make test PYTHON=python"]


def test_every_week_runs_both_ends_of_the_ranges():
    ends = job("weekly")["strategy"]["matrix"]["include"]
    assert {end["which"] for end in ends} == versions.RESOLUTIONS.keys()
    oldest = next(end["python"] for end in ends if end["which"] == "lowest")
    assert oldest == tasks.version(tasks.PYTHONS[-1])
    assert commands("weekly") == ["python tests/versions.py ${{ matrix.which }}"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_no_more_than_it_needs(name):
    needs = {"site": {"pages": "write", "id-token": "write"}, "release": {"contents": "write"}}
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"} | needs.get(name, {})
    for one in WORKFLOWS[name]["jobs"].values():
        assert one["timeout-minutes"] <= 180


def test_the_next_version_is_the_same_everywhere():
    newest = re.search(r"^## ([\d.]+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M).group(1)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == newest
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'fallback-version = "{newest}.dev0"' in pyproject


def test_the_dev_container_has_a_right_python():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text("utf-8"))
    python = re.search(r"python:\d+-(\d\.\d+)-", container["image"]).group(1)
    assert python in map(tasks.version, tasks.PYTHONS)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_files_that_are_there(page):
    text = (ROOT / page).read_text("utf-8")
    named = set(re.findall(r"`((?:tests|helpers|docs|jupyter)/[\w/.]+)`", text))
    linked = set(re.findall(r"\]\(((?!http)[\w/.]+)\)", text))
    folder = (ROOT / page).parent
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in linked if not (folder / name).exists()] == []


def test_the_statement_of_accessibility_names_a_test_for_each_claim():
    text = (ROOT / "docs/accessibility.md").read_text("utf-8")
    table = text.split("## What is tested")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 8
    above = None
    for row in rows:
        by = row.split(" | ")[-1]
        above = re.findall(r"`(tests/[\w/]+\.py)`", by) or ("the same" in by and above)
        assert above, row
