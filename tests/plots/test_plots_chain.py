import numpy as np

from helpers import plots

NODES = [plots.Node("x", 0.5, 0.06), plots.Node("z", -1.0, 0.03), plots.Node("L", 2.0, 1.0)]
FACTORS = [plots.Factor("w", 2.0), plots.Factor("slope", 0.03)]


def words(ax):
    return {text.get_text(): text.get_position() for text in ax.texts if text.get_text()}


def test_a_chain_writes_every_number_at_its_place():
    ax = plots.chain(NODES, FACTORS, chosen=1)
    found = words(ax)
    for place, node in enumerate(NODES):
        assert found[f"{node.value:.2g}"][0] == found[node.name][0] == place
        assert found[f"{node.arrives:.2g}"][0] == found[f"dL/d{node.name}"][0] == place
    assert found["w\n2"][0] == 0.5 and found["slope\n0.03"][0] == 1.5
    arrows = [text for text in ax.texts if not text.get_text()]
    assert len(arrows) == 2 * len(FACTORS)
    assert ax.get_label() == "Going back from the loss: 0.03 · 2; at x, 0.06 is left in size."


def test_only_the_chosen_factor_stands_out():
    for chosen in (None, 0, 1):
        ax = plots.chain(NODES, FACTORS, chosen=chosen)
        boxes = [text for text in ax.texts if "\n" in text.get_text()]
        faces = [tuple(text.get_bbox_patch().get_facecolor()) for text in boxes]
        white = tuple(np.ones(4))
        assert [face != white for face in faces] == [chosen == 0, chosen == 1]
