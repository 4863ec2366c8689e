"""What a learner does in JupyterLab, for the browser tests."""

import json
import uuid

from playwright.sync_api import expect

PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
KERNEL = 60_000  # ms: a kernel starts in a few seconds, on a busy machine in many
RUN = 300_000  # ms: the slowest notebook, its imports included, on a busy machine
# JupyterLab shows an exception as it shows stderr.
ERRORS = f"{PANEL} .jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"

# What stands before each code cell: [ ]:, [*]: or its count. Not of an empty one, which never
# gets a count, nor of one whose code is folded away, which shows none.
PROMPTS = """[...document.querySelectorAll('PANEL .jp-CodeCell')]
    .filter(cell => cell.querySelector('.cm-content')?.innerText.trim())
    .map(cell => cell.querySelector('.jp-InputPrompt').innerText)""".replace("PANEL", PANEL)
FINISHED = """before => {
    const idle = /[|] Idle/.test(document.querySelector('#jp-main-statusbar').innerText);
    const failed = document.querySelector(`ERRORS`);
    const prompts = PROMPTS;
    const ran = prompts.every(prompt => /[0-9]/.test(prompt));
    const waiting = prompts.some(prompt => prompt.includes('*'));
    return idle && !waiting && (ran || failed) && String(prompts) !== String(before);
}""".replace("ERRORS", ERRORS).replace("PROMPTS", PROMPTS)


def open_notebook(page, name, theme="light"):
    """Open a notebook in a workspace of its own and wait until its kernel is ready."""
    settings = {"raw": json.dumps({"theme": THEMES[theme], "adaptive-theme": False})}
    answer = page.request.put(
        "/lab/api/settings/@jupyterlab/apputils-extension:themes", data=settings
    )
    assert answer.ok, answer.text()
    page.goto(f"/lab/workspaces/{uuid.uuid4().hex}/tree/notebooks/{name}")
    wait_until_idle(page)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", THEMES[theme])


def wait_until_idle(page):
    """Wait until the kernel of the notebook in sight has nothing to do.

    The circle in the notebook's toolbar is no witness: it looks idle before there is a kernel,
    when JupyterLab drops what is run.
    """
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=KERNEL)


def run_all(page):
    """Run every cell from the menu, and wait until all have run or one has failed."""
    before = prompts(page)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(FINISHED, arg=before, timeout=RUN, polling=100)


def prompts(page):
    """Return what stands before each code cell: [ ]:, [*]: or its count."""
    return page.evaluate(PROMPTS)


def cell_errors(page):
    """Return the text of every exception and of all else on stderr, in the notebook in sight."""
    # not inner texts: what JupyterLab doesn't draw, since it's out of sight, has none
    return page.locator(ERRORS).all_text_contents()
