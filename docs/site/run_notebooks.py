"""Run the lessons as nbval runs them, and hold every claim to the sentence that is stored.

So the site shows nothing that the tests wouldn't accept: a cell that fails, or a claim that says
something else than in the repository, stops the build.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

AT_ONCE = 2  # notebooks; each keeps about one core busy
LONGEST = 600  # seconds a cell may take, on a busy machine
CLAIM = "nbval-check-output"
# As in the step "notebooks" of tasks.py: an explorer trains within its cell, and one thread each.
# The last makes the environment's own kernel go before one of the same name at home.
SETTINGS = {
    "COURSE_SYNCHRONOUS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JUPYTER_PREFER_ENV_PATH": "1",
}


def run_all(notebooks: Path, folder: Path, numbers: list[str]) -> None:
    """Run the lessons of a folder, in copies within another one.

    Parameters
    ----------
    notebooks, folder : Path
    numbers : list of str
        Of the lessons, such as "04"; none: all. The others have no copy.
    """
    os.environ.update(SETTINGS)
    folder.mkdir()
    for path in notebooks.glob("[0-9]*.ipynb"):
        if not numbers or path.name[:2] in numbers:
            # the notebook alone: a learner's .progress.json would show their choices
            shutil.copy(path, folder)
    # the last lessons take longest, so they begin
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, sorted(folder.iterdir(), reverse=True)))


def run(path: Path) -> None:
    """Run a notebook in place.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    ValueError
        If a claim says something else than before.
    """
    notebook = nbformat.read(path, as_version=4)
    stored = claims(notebook)
    home = {"metadata": {"path": str(path.parent)}}
    # what the widgets hold at the end comes with it: pictures, sentences, text alternatives
    NotebookClient(notebook, timeout=LONGEST, kernel_name="python3", resources=home).execute()
    for cell, said in claims(notebook).items():
        if said != stored[cell]:
            raise ValueError(f"{path.name}, {cell}: said {said!r}; stored is {stored[cell]!r}.")
    nbformat.write(notebook, path)
    print(f"  {path.name} has run", flush=True)


def claims(notebook) -> dict[str, str]:
    """Return what each claim cell has printed, by the cell's id."""
    return {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if CLAIM in cell.metadata.get("tags", [])
    }
