"""Whether a decision looks at each asset alone, so that a quote asks it about one.

Most decisions are one loop over the assets whose turns know nothing of each other. It is
read from the source, and only what is certain counts: anything else is asked about all.
"""

import ast
import inspect
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

from fanfold.domain.compiled import Compiled
from fanfold.domain.language import attributes_read

MOVING: Final = frozenset({"ts", "minutes_to_close"})
"""What every quote moves for all assets."""

_ARGUMENTS: Final = 3


class Chosen(list[Any]):
    """Some of the assets, which count as all of them."""

    __slots__ = ("_count",)

    def __init__(self, assets: list[Any], count: int) -> None:
        super().__init__(assets)
        self._count = count

    def __len__(self) -> int:
        """The number of all assets: a decision divides by it."""
        return self._count


def decides_apart(decide: Any) -> bool:
    """Whether a decision's wishes for an asset depend on nothing but that asset.

    Args:
        decide: In the language of decisions, and looking at the market alone.
    """
    function = decide.function if isinstance(decide, Compiled) else decide
    if attributes_read(function) & MOVING:
        return False
    tree = _tree_of(function)
    if tree is None or len(tree.args.args) != _ARGUMENTS:
        return False
    assets, _, memory = (argument.arg for argument in tree.args.args)
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    if len(body) != 1 or not isinstance(body[0], ast.For):
        return False
    loop = body[0]
    is_plain = isinstance(loop.target, ast.Name) and not loop.orelse
    over_all = isinstance(loop.iter, ast.Name) and loop.iter.id == assets
    return is_plain and over_all and _turns_are_alone(loop, assets, memory)


def _turns_are_alone(loop: ast.For, assets: str, memory: str) -> bool:
    nodes = [node for statement in loop.body for node in ast.walk(statement)]
    if any(isinstance(node, ast.Break | ast.Return) for node in nodes):
        return False
    counted = {id(node.args[0]) for node in nodes if isinstance(node, ast.Call) and _counts(node)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    if any(name.id == memory or (name.id == assets and id(name) not in counted) for name in names):
        return False
    return not _carries_over(loop, {name.id for name in names if isinstance(name.ctx, ast.Store)})


def _carries_over(loop: ast.For, own: set[str]) -> bool:
    """Whether a name may hold what an earlier turn left in it."""
    known: set[str] = set()
    assert isinstance(loop.target, ast.Name)  # noqa: S101  (looked at before)
    if loop.target.id in own:
        return True
    for statement in loop.body:
        read = {
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        changed = {
            node.target.id
            for node in ast.walk(statement)
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name)
        }
        if (read | changed) & own - known:
            return True
        known |= set(_assigned(statement))
    return False


def _assigned(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement surely gives a value, whatever is the case."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id


def _counts(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "len" and len(call.args) == 1


def _tree_of(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The source of a function, None where it cannot be had or is not what runs."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    found = tree.body[0]
    found.decorator_list = []
    compiled = compile(tree, "decision", "exec")
    codes = [part for part in compiled.co_consts if isinstance(part, types.CodeType)]
    same = [code for code in codes if code.co_name == function.__name__]
    if len(same) != 1 or _parts(same[0]) != _parts(function.__code__):
        return None
    return found


def _parts(code: types.CodeType) -> Any:
    return code.co_code, code.co_names, code.co_varnames, code.co_consts
