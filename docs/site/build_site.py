"""Build the lessons as a site: run every notebook, turn it into pages, check every link.

  python docs/site/build_site.py                    all lessons, into site/lessons
  python docs/site/build_site.py FOLDER 00 04       some lessons only, into another folder

Nothing on the site is written by hand: it comes from this run of the notebooks.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import check_links
import nbformat
import page_cells
import run_notebooks

from helpers.exercises.lessons import read_lesson

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NOTEBOOKS = ROOT / "notebooks"
OUTPUT = ROOT / "site" / "lessons"
GLOSSARY = "glossary.ipynb"
GUIDE = ROOT / "docs" / "lecturer_guide.md"
QUESTION = ROOT / "helpers" / "exercises"
MATHJAX = ("tex-chtml.js", "output/chtml/fonts")  # of 24 MB the 1.6 that a page asks for
STATIC = "_static"
PICTURES = f"{STATIC}/pictures"
LARGEST = 60e6  # bytes


class Problem(Exception):
    """What is wrong with the site, in words."""


def main(arguments: list[str]) -> int:
    """Build the site and return the exit status."""
    output = Path(arguments[0]).resolve() if arguments else OUTPUT
    numbers = arguments[1:]
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        executed = Path(folder) / "notebooks"
        print("Running the lessons.", flush=True)
        run_notebooks.run_all(NOTEBOOKS, executed, numbers)
        try:
            external = build(executed, Path(folder) / "source", output)
        except Problem as problem:
            print(problem, file=sys.stderr)
            return 1
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print("\n".join(["Links to other hosts, which nobody checked:", *sorted(external)]))
    seconds = time.monotonic() - start
    print(f"The lessons are in {output}: {size / 1e6:.1f} MB, {seconds:.0f} s.")
    if size > LARGEST:
        print(f"That is more than {LARGEST / 1e6:.0f} MB.", file=sys.stderr)
    return int(size > LARGEST)


def build(executed: Path, source: Path, output: Path) -> set[str]:
    """Make pages of notebooks that have run; return the addresses on other hosts.

    Raises
    ------
    Problem
        If Sphinx warns of anything, or a link leads nowhere.
    """
    write_source(executed, source)
    write_static(source / STATIC)
    shutil.rmtree(output, ignore_errors=True)
    options = ["-q", "-W", "--keep-going", "-c", str(HERE), "-d", str(source.parent / "doctrees")]
    options += ["-D", f"html_static_path={source / STATIC}"]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(output)]
    if subprocess.run(command).returncode:
        raise Problem("Sphinx stopped, or warned of something: see above.")
    found = check_links.check(output)
    if found.broken:
        raise Problem("\n".join(found.broken))
    return found.external


def write_source(executed: Path, source: Path) -> None:
    """Write what Sphinx reads: notebooks without widgets, the glossary, the guide, the contents."""
    lessons = sorted(executed.glob("[0-9]*.ipynb"))
    glossary = NOTEBOOKS / GLOSSARY
    paths = [*lessons, glossary]
    pages = {path.name for path in paths} | {GUIDE.name}
    folder = source / PICTURES
    folder.mkdir(parents=True)
    pictures = page_cells.Pictures(folder, PICTURES)
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        lesson = read_lesson(path)
        page = page_cells.for_page(notebook, path.name, lesson, pages, pictures)
        nbformat.write(page, source / path.name)
    guide = page_cells.link(GUIDE.read_text("utf-8"), pages)
    (source / GUIDE.name).write_text(guide, encoding="utf-8")
    # a notebook's own title is a whole question: too long for the list beside each page
    names = {path.stem: short_name(path) for path in lessons}
    names |= {glossary.stem: "Glossary", GUIDE.stem: "Twenty minutes in a lecture hall"}
    index = (HERE / "index.md").read_text("utf-8")
    (source / "index.md").write_text(index + contents(names), encoding="utf-8")


def short_name(path: Path) -> str:
    """Return the name of a lesson: "01 Product of derivatives"."""
    number, words = path.stem.split("_", 1)
    return f"{number} {words.capitalize().replace('_', ' ')}"


def contents(names: dict[str, str]) -> str:
    """Return the list of pages, by their whole titles here and by short names beside each page."""
    entries = "\n".join(f"{name} <{stem}>" for stem, name in names.items())
    # an empty text is filled by Sphinx with the page's own title
    whole = "\n".join(f"- {{doc}}`{stem}`" for stem in names)
    return f"\n{whole}\n\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def write_static(static: Path) -> None:
    """Write what the pages load: styles, scripts, and MathJax with its fonts."""
    shutil.copy(HERE / "course.css", static)
    shutil.copy(QUESTION / "question.css", static)
    # one classic script, since a page that is opened from a disk may load no module
    sight, question, course = (
        path.read_text("utf-8")
        for path in (
            ROOT / "helpers" / "sight.js",
            QUESTION / "question.js",
            HERE / "course.js",
        )
    )
    question = question.replace("export default", "const question =")
    script = "\n".join(["{", sight, question, course, "}"])
    (static / "course.js").write_text(script, encoding="utf-8")
    mathjax = Path(resources.files("sphinx-mathjax-offline")) / "static" / "mathjax"
    for part in MATHJAX:
        target = static / "mathjax" / part
        if (mathjax / part).is_dir():
            shutil.copytree(mathjax / part, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(mathjax / part, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
