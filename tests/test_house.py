"""The house rules that a machine can count: small modules, short functions, numbers with a name.

The limits are those of well-kept libraries of the field. Nothing is imported: the syntax tree and
the tokens of each file are enough (the idea is that of stumpy's check of its own rules).
"""

import ast
import io
import tokenize
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"
# Numba's cache notices a change in the file of a compiled function only, so all of them, and the
# arrays that they hand to each other, have to stay in one.
ENGINE = "training/engine.py"

LONGEST_MODULE = 400  # lines
LONGEST_FUNCTION = 60  # lines, without its docstring
MOST_PARAMETERS = 8
TUPLE_ASSIGNMENTS = 0.01  # share of all assignments: `a, b = x, y`
COMMENTS = 0.09  # comment lines per line of code
# What notebooks and the code of others call, with its arguments as they are.
FIXED_CALLS = {"make_mlp", "pair_profile", "profile", "train", "train_model"}
# Number -> where it would mean the same thing, and the one name that it has there. (Elsewhere 0.25
# is a learned slope, or a step.)
ONE_NAME = {
    0.02: ({"catalogue", "measure", "theory", "training", "networks.py"}, "SATURATED"),
    0.25: ({"measure", "training", "networks.py"}, "OUTPUT_SLOPE"),
    1797: ({"data.py"}, "NUM_DIGITS"),
    16001: ({"catalogue", "measure", "theory", "training", "networks.py"}, "SLOPE_GRID"),
    0.87962566103423978: ({"catalogue", "networks.py"}, "_TRUNCATED_STD"),
}


def modules():
    """Yield the name of every module that the rules hold for, its text and its syntax tree."""
    for path in sorted(HELPERS.rglob("*.py")):
        name = path.relative_to(HELPERS).as_posix()
        text = path.read_text(encoding="utf-8")
        yield name, text, ast.parse(text)


MODULES = list(modules())
FUNCTIONS = [
    (name, node)
    for name, _, tree in MODULES
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def docstring_lines(node):
    """Count the lines of a docstring; 0 where there is none."""
    if ast.get_docstring(node, clean=False) is None:
        return 0
    return node.body[0].end_lineno - node.body[0].lineno + 1


def comments_and_code(text, tree):
    """Count the lines that hold a comment, and those that hold code; docstrings are neither."""
    prose = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0].lineno if node.body else 0
            prose |= set(range(first, first + docstring_lines(node)))
    layout = {
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    comments = 0
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments += 1
        elif token.type not in layout:
            code |= set(range(token.start[0], token.end[0] + 1))
    return comments, len(code - prose)


def test_a_module_is_read_in_one_sitting():
    long = {name: len(text.splitlines()) for name, text, _ in MODULES if name != ENGINE}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_MODULE} == {}


def test_a_function_fits_on_a_screen():
    lengths = {
        f"{name}: {node.name}": node.end_lineno - node.lineno + 1 - docstring_lines(node)
        for name, node in FUNCTIONS
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_a_call_takes_few_parameters():
    """More of them belong together in one value, as a network's six do in `Network`."""
    counts = {
        f"{name}: {node.name}": len(
            [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        )
        for name, node in FUNCTIONS
        if not node.name.startswith("_") and node.name not in FIXED_CALLS and name != ENGINE
    }
    assert {name: count for name, count in counts.items() if count > MOST_PARAMETERS} == {}


def test_a_line_holds_one_statement():
    assignments = [
        (name, node)
        for name, _, tree in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
    ]
    pairs = [
        f"{name}:{node.lineno}"
        for name, node in assignments
        if isinstance(node.value, ast.Tuple)
        and any(isinstance(target, ast.Tuple) for target in node.targets)
    ]
    assert len(pairs) <= TUPLE_ASSIGNMENTS * len(assignments), pairs


def test_nothing_is_kept_from_the_formatter():
    assert [name for name, text, _ in MODULES if "fmt: " + "skip" in text] == []


def test_a_reader_who_asks_why_finds_a_comment():
    counts = [comments_and_code(text, tree) for _, text, tree in MODULES]
    comments = sum(comment for comment, _ in counts)
    code = sum(lines for _, lines in counts)
    assert comments / code >= COMMENTS


@pytest.mark.parametrize("number", ONE_NAME)
def test_a_number_that_means_something_is_written_once(number):
    scope, name = ONE_NAME[number]
    written = []
    for module, _, tree in MODULES:
        if module.split("/")[0] in scope:
            for statement in tree.body:
                uses = sum(
                    isinstance(node, ast.Constant) and node.value == number
                    for node in ast.walk(statement)
                )
                written += [(module, ast.unparse(statement).split(" =")[0])] * uses
    assert [what for _, what in written] == [name], written


def test_a_named_number_is_written_in_one_module():
    """The engine has names of its own: numba freezes what it imports, and its cache can't tell."""
    owners = {}
    for module, _, tree in MODULES:
        for statement in tree.body:
            is_number = isinstance(statement, ast.Assign) and isinstance(
                getattr(statement.value, "value", None), int | float
            )
            if is_number and module != ENGINE:
                owners.setdefault(ast.unparse(statement), []).append(module)
    assert {text: found for text, found in owners.items() if len(found) > 1} == {}
