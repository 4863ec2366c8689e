"""A cell that is run again, in a real kernel: what its last run left is given back."""

import queue

import jupyter_client
import psutil
import pytest

import helpers.explorers

MANY = 30  # runs of a cell, of the largest explorers, by which memory is judged
FEW = 6  # enough to count widgets and threads, which is exact
LARGEST = ("gradient_explorer", "goal_game")
NAMES = [name for name in dir(helpers.explorers) if name.endswith("_explorer")] + ["goal_game"]
CHOOSE = {"goal_game": ".begin('Kill a ReLU network')"}  # before that it has no explorer
COUNT = """
import gc, threading, ipywidgets
gc.collect()
print(len(ipywidgets.widgets.widget._instances), threading.active_count())
"""


class Kernel:
    """A kernel that is told which cell each piece of code comes from, as JupyterLab tells it."""

    def __init__(self):
        self.manager, self.client = jupyter_client.manager.start_new_kernel()

    def run(self, code, cell):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": True}  # fmt: skip
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell})
        self.client.shell_channel.send(message)
        printed = ""
        while True:
            try:
                answer = self.client.get_iopub_msg(timeout=60)
            except queue.Empty:
                pytest.fail(f"no answer to {code!r}")
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            kind = answer["msg_type"]
            assert kind != "error", "\n".join(answer["content"]["traceback"])
            if kind == "stream":
                printed += answer["content"]["text"]
            if kind == "status" and answer["content"]["execution_state"] == "idle":
                return printed

    @property
    def megabytes(self):
        return psutil.Process(self.manager.provisioner.pid).memory_info().rss / 2**20

    def count(self):
        """Widgets and threads that there are."""
        return [int(number) for number in self.run(COUNT, "count").split()]


@pytest.fixture(scope="module")
def kernel():
    made = Kernel()
    made.run("from helpers import explorers", "imports")
    made.run("explorers.gradient_explorer()", "first training")  # loads the engine, once
    yield made
    made.client.stop_channels()
    made.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_run_again_and_again_keeps_one_explorer(kernel, name):
    code = f"explorers.{name}(){CHOOSE.get(name, '')}"
    for _ in range(3):  # until every cache is filled
        kernel.run(code, name)
    before = kernel.count()
    size = kernel.megabytes
    for _ in range(MANY if name in LARGEST else FEW):
        kernel.run(code, name)
    assert kernel.count() == before
    if name in LARGEST:
        assert kernel.megabytes - size < 20
    kernel.run("None", name)  # the same cell, without an explorer now


def test_another_cell_s_explorer_stays(kernel):
    kernel.run("kept = explorers.product_explorer()", "one")
    kernel.run("other = explorers.product_explorer()", "two")
    kernel.run("other = explorers.product_explorer()", "two")
    kernel.run("kept.set(depth=7); assert '7 factors' in kept.verdict", "three")
