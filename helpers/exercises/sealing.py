"""Answers that a glance at a cell doesn't give away.

A notebook stores the answer of a prediction in base64 behind a mark, so that whoever unfolds the
cell reads nothing by accident. It is no secret, and needs none: who opens it wants to know.

An author writes plain text, and seals it at the end; from a terminal:

    python -m helpers.exercises.sealing show      every prediction with its answer, to be reviewed
    python -m helpers.exercises.sealing open      plain text in the notebooks, to be edited
    python -m helpers.exercises.sealing seal      and sealed again

Each takes the notebooks as further arguments; without any, all of ``notebooks/``.
"""

import ast
import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

MARK = "sealed:"
SEALED_NAMES = ("answer", "why")
WIDEST = 100  # columns, as ruff has them
INDENT = "    "


def seal(text: str) -> str:
    """Return `text` so that it can't be read at a glance; what is sealed already stays."""
    # so that a second run of the command changes nothing
    if text.startswith(MARK):
        return text
    return MARK + base64.b64encode(text.encode()).decode()


def unseal(text: str) -> str:
    """Return what `seal` was given; plain text stays.

    Raises
    ------
    ValueError
        If it begins like sealed text but isn't.
    """
    if not text.startswith(MARK):
        return text
    try:
        return base64.b64decode(text.removeprefix(MARK), validate=True).decode()
    except ValueError:
        raise ValueError(f"A sealed text is damaged: {text!r}.") from None


def rewrite(source: str, change: Callable[[str], str]) -> str:
    """Return a cell's code with `change` done to the answer and the reason of each prediction.

    All else stays as it is, to the letter.
    """
    lines = source.split("\n")
    # from the end, so that the places of those before stay right
    for value in sorted(_values(source), key=lambda node: (-node.lineno, -node.col_offset)):
        text = change(value.value)
        if text != value.value:
            first = value.lineno - 1
            # Python counts columns in bytes of UTF-8
            before = lines[first].encode()[: value.col_offset].decode()
            after = lines[value.end_lineno - 1].encode()[value.end_col_offset :].decode()
            lines[first : value.end_lineno] = _literal(text, before, after)
    return "\n".join(lines)


def _values(source):
    """Find the texts to seal in a cell's code."""
    # the syntax tree, not a pattern: a text may hold brackets, quotation marks and "answer="
    return [
        keyword.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "predict"
        for keyword in call.keywords
        if keyword.arg in SEALED_NAMES and isinstance(keyword.value, ast.Constant)
    ]


def _literal(text, before, after):
    """Write a text as Python does, over as many lines as it needs, between what stands around."""
    if len(before) + len(json.dumps(text, ensure_ascii=False)) + len(after) <= WIDEST:
        return [before + json.dumps(text, ensure_ascii=False) + after]
    # words stay whole; sealed text has none
    width = WIDEST - len(before) - 4
    pieces = re.findall(rf".{{1,{width}}}(?:\s+|$)|.{{1,{width}}}", text, re.S)
    first, *others = [json.dumps(piece, ensure_ascii=False) for piece in pieces]
    lines = [before + first, *(INDENT + piece for piece in others)]
    lines[-1] += after
    return lines


def rewrite_notebook(path: Path, change: Callable[[str], str]) -> bool:
    """Do `change` to the predictions of a notebook; return whether the file is another now."""
    before = path.read_text(encoding="utf-8")
    notebook = json.loads(before)
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "predict(" in source:
            cell["source"] = rewrite(source, change).splitlines(keepends=True)
    # as Jupyter writes it
    after = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def main(arguments: list[str]) -> int:
    """Run a command of the terminal and return its exit status."""
    from helpers.exercises.lessons import read_lesson

    changes = {"seal": seal, "open": unseal}
    command, *names = arguments or ["help"]
    paths = [Path(name) for name in names] or sorted(Path("notebooks").glob("*.ipynb"))
    if command in changes:
        for path in paths:
            if rewrite_notebook(path, changes[command]):
                print(path)
        return 0
    if command == "show":
        for path in paths:
            for asked in read_lesson(path).predictions:
                print(f"{path.name}: {asked.question}\n  {asked.answer}\n  {asked.why}")
        return 0
    print(__doc__)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
