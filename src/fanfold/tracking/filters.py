"""Questions to tables of trials, in a small language that can do nothing else.

`sharpe > 1 and fast in [5, 10]` is read as Python, checked piece by piece against
what the language has, and becomes an Arrow expression: nothing of it is ever run,
and files are read only where their statistics let something match.

A value that is missing is equal to nothing and neither above nor below anything, as
in pandas: `x > 1` and `not x > 1` together hold for every row.
"""

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from importlib import import_module
from typing import Any

from fanfold.domain.names import nearest_hint
from fanfold.errors import ConfigError

QUERY_CHARACTERS_MAX = 10_000
"""Length of a query [characters]."""

WHOLE_MAX = 2**63 - 1
"""Largest whole number of a table."""

Expression = Any
Schema = Any
"""pyarrow states no types."""

ALLOWED = "comparisons of columns, numbers and texts with and, or, not, in [...] and + - * /"

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.eq,  # turned round where it is used, so that missing values differ
}
_CALCULATED: dict[type[ast.operator], str] = {
    ast.Add: "add_checked",
    ast.Sub: "subtract_checked",
    ast.Mult: "multiply_checked",
    ast.Div: "divide",
}
_JOINT = "\x1f"


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of a query that has a value in each row.

    Attributes:
        expression: The value.
        kind: "number", "text", "truth", "texts" (a list of them), "none" or another type.
        is_whole: Whether a number has no fraction.
        text: The piece as it was written.
    """

    expression: Expression
    kind: str
    is_whole: bool
    text: str


def filter_of(where: str, schema: Schema) -> Expression | None:
    """A query as an Arrow expression; None where it asks for all rows.

    Args:
        where: Such as `sharpe > 1 and not (status == "failed")`.
        schema: Columns of the table.

    Raises:
        ConfigError: A column is unknown, or a piece is not of the language.
    """
    if not where.strip():
        return None
    if len(where) > QUERY_CHARACTERS_MAX:
        raise ConfigError(
            f"a query must have at most {QUERY_CHARACTERS_MAX:,} characters, had {len(where):,}"
        )
    try:
        tree = ast.parse(where.strip(), mode="eval")
        return _condition(tree.body, schema, negated=False)
    except SyntaxError as error:
        place = f" at character {error.offset}" if error.offset else ""
        raise ConfigError(f"a query must be {ALLOWED}; {where!r}: {error.msg}{place}") from None
    except (RecursionError, MemoryError):
        raise ConfigError("a query must not be nested so deeply, was") from None
    except ValueError as error:
        raise ConfigError(f"a query must be {ALLOWED}; {where!r}: {error}") from None


def _condition(node: ast.expr, schema: Schema, *, negated: bool) -> Expression:
    """True or false in each row; `not` is carried inwards, to where values may be missing."""
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_condition(value, schema, negated=negated) for value in values]
            return _together(parts, is_and=isinstance(op, ast.And) != negated)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _condition(operand, schema, negated=not negated)
        case ast.Compare(left=left, ops=ops, comparators=others):
            pairs = zip([left, *others[:-1]], ops, others, strict=True)
            parts = [_comparison(pair, node, schema, negated=negated) for pair in pairs]
            return _together(parts, is_and=not negated)
        case _:
            value = _value(node, schema)
            if value.kind != "truth":
                raise ConfigError(
                    f"a condition must be true or false, {value.text!r} is {value.kind}"
                )
            return _settled(value.expression, negated=negated)


def _together(parts: list[Expression], *, is_and: bool) -> Expression:
    def joined(one: Expression, other: Expression) -> Expression:
        return one & other if is_and else one | other

    return reduce(joined, parts)


def _settled(expression: Expression, *, negated: bool) -> Expression:
    """What is missing is not true; so it is true that it is not."""
    return ~expression | expression.is_null() if negated else expression


def _comparison(
    pair: tuple[ast.expr, ast.cmpop, ast.expr], node: ast.Compare, schema: Schema, *, negated: bool
) -> Expression:
    left, op, right = pair
    if isinstance(op, ast.In | ast.NotIn):
        turned = negated != isinstance(op, ast.NotIn)
        return _settled(_membership(left, right, schema), negated=turned)
    if type(op) not in _COMPARED:
        raise ConfigError(f"a query must be {ALLOWED}; {ast.unparse(node)!r} is not (None: use ==)")
    one, other = _value(left, schema), _value(right, schema)
    is_equality = isinstance(op, ast.Eq | ast.NotEq)
    turned = negated != isinstance(op, ast.NotEq)
    if is_equality and "none" in (one.kind, other.kind):
        asked = other if one.kind == "none" else one
        return _settled(asked.expression.is_null(nan_is_null=True), negated=turned)
    kinds = ("number", "text", "truth") if is_equality else ("number", "text")
    if one.kind != other.kind or one.kind not in kinds:
        raise ConfigError(
            f"both sides must be numbers or texts, {one.text!r} is {one.kind} and "
            f"{other.text!r} is {other.kind}"
        )
    return _settled(_COMPARED[type(op)](one.expression, other.expression), negated=turned)


def _membership(left: ast.expr, right: ast.expr, schema: Schema) -> Expression:
    pa = import_module("pyarrow")
    value = _value(left, schema)
    if isinstance(right, ast.Name):
        return _holds(value, left, _value(right, schema))
    if not isinstance(right, ast.List | ast.Tuple):
        raise ConfigError(f"in must be followed by a list such as [5, 10], was by {_text(right)!r}")
    items = [_literal(item) for item in right.elts]
    kinds = {_kind_of_literal(item) for item in items} | {value.kind}
    if len(kinds) > 1 or value.kind not in ("number", "text", "truth"):
        raise ConfigError(
            f"{_text(right)!r} must hold what {value.text!r} is, {value.kind}, did not"
        )
    if value.kind != "number":
        kind = pa.string() if value.kind == "text" else pa.bool_()
        return value.expression.isin(pa.array(items, kind))
    whole = value.is_whole and all(isinstance(item, int) for item in items)
    kind = pa.int64() if whole else pa.float64()
    return value.expression.cast(kind).isin(pa.array(items, kind))


def _holds(value: Value, node: ast.expr, texts: Value) -> Expression:
    """Whether a list of texts has the text in it."""
    pc = import_module("pyarrow.compute")
    if texts.kind != "texts" or not isinstance(node, ast.Constant) or value.kind != "text":
        raise ConfigError(
            f"in must be a text in a column of lists, or a value in [...], {value.text!r} is "
            f"{value.kind} and {texts.text!r} is {texts.kind}"
        )
    edge = pc.scalar(_JOINT)
    joined = pc.binary_join(texts.expression, edge)
    fenced = pc.binary_join_element_wise(edge, joined, edge, pc.scalar(""))
    return pc.match_substring(fenced, pattern=f"{_JOINT}{node.value}{_JOINT}")


def _value(node: ast.expr, schema: Schema) -> Value:
    pc = import_module("pyarrow.compute")
    match node:
        case ast.Name(id=name):
            return _column(name, schema)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _CALCULATED:
            return _calculated(_value(left, schema), op, _value(right, schema), _text(node))
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            zero = Value(pc.scalar(0), "number", is_whole=True, text="0")
            return _calculated(zero, ast.Sub(), _value(operand, schema), _text(node))
        case _:
            item = _literal(node)
            kind = _kind_of_literal(item)
            return Value(pc.scalar(item), kind, isinstance(item, int), _text(node))


def _calculated(left: Value, op: ast.operator, right: Value, text: str) -> Value:
    pa, pc = import_module("pyarrow"), import_module("pyarrow.compute")
    for side in (left, right):
        if side.kind != "number":
            raise ConfigError(f"{text!r} must be of numbers, {side.text!r} is {side.kind}")
    whole = left.is_whole and right.is_whole and not isinstance(op, ast.Div)
    # Columns are often narrower than what they add up to, and `/` of whole numbers cuts.
    sides = [one.expression.cast(pa.int64() if whole else pa.float64()) for one in (left, right)]
    name = _CALCULATED[type(op)]
    function = getattr(pc, name if whole else name.removesuffix("_checked"))
    return Value(function(*sides), "number", whole, text)


def _column(name: str, schema: Schema) -> Value:
    pa, pc = import_module("pyarrow"), import_module("pyarrow.compute")
    kind = schema.field(checked_column(name, schema)).type
    column = Value(pc.field(name), str(kind), is_whole=False, text=name)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return replace(column, kind="number", is_whole=pa.types.is_integer(kind))
    if pa.types.is_boolean(kind):
        return replace(column, kind="truth")
    if pa.types.is_null(kind):
        return replace(column, kind="text", expression=column.expression.cast(pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return replace(column, kind="text")
    is_texts = pa.types.is_list(kind) and pa.types.is_string(kind.value_type)
    return replace(column, kind="texts") if is_texts else column


def checked_column(name: str, schema: Schema) -> str:
    """The name, if the table has it exactly once.

    Raises:
        ConfigError: It has not; names the nearest.
    """
    if schema.names.count(name) == 1:
        return name
    raise ConfigError(
        f"a query must name columns of the table ({', '.join(schema.names)}), was "
        f"{name!r}{nearest_hint(name, schema.names)}"
    )


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            literal = value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if (
            not isinstance(value, bool)
        ):
            literal = -value
        case _:
            raise ConfigError(f"a query must be {ALLOWED}; {_text(node)!r} is not")
    if isinstance(literal, int) and abs(literal) > WHOLE_MAX:
        raise ConfigError(f"a whole number must be at most {WHOLE_MAX}, was {literal}")
    return literal


def _kind_of_literal(item: Any) -> str:
    if item is None:
        return "none"
    if isinstance(item, bool):
        return "truth"
    return "text" if isinstance(item, str) else "number"


def _text(node: ast.expr) -> str:
    return ast.unparse(node)
