"""HTML that cannot be broken by what it shows.

Text is escaped by default; only what `tag` made is taken as it is. So a strategy
called `<script>` is shown, not run, without anybody having to remember it.
"""

import html
from collections.abc import Iterable, Sequence


class Markup(str):
    """HTML that is already escaped."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str) -> Markup:
    """One element.

    Args:
        name: Its name.
        children: Markup, or text to escape.
        attributes: By name; a trailing `_` is dropped (`class_`), others become `-`.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
    )
    return Markup(f"<{name}{shown}>{together(children)}</{name}>")


def together(children: Iterable[str]) -> Markup:
    """Markup and escaped text, one after the other."""
    return Markup(
        "".join(child if isinstance(child, Markup) else html.escape(child) for child in children)
    )


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str,
    text_columns: int = 1,
    class_: str = "",
    values: Sequence[Sequence[float]] | None = None,
) -> Markup:
    """A table whose numbers stand under each other, in a box that scrolls.

    Args:
        head: A title a column.
        rows: A cell a column; a cell that is a `td` already is taken as it is.
        caption: What it shows, for those who do not see it.
        text_columns: How many of the first columns are text and read from the left;
            the first of them heads its row.
        class_: Class of the table.
        values: A number for each cell after the first, by which a reader may sort.
    """
    heads = (
        tag("th", _sorter(title, place, sortable=values is not None), scope="col", class_=_kind(
            place, text_columns))
        for place, title in enumerate(head)
    )  # fmt: skip
    body: list[Markup] = []
    for number, row in enumerate(rows):
        keys = None if values is None else values[number]
        body.append(tag("tr", *_cells(row, text_columns, keys)))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *body),
            **({"class_": class_} if class_ else {}),
        ),
        class_="scroll",
        tabindex="0",
    )


def _kind(place: int, text_columns: int) -> str:
    return "text" if place < text_columns else "number"


def _sorter(title: str, place: int, *, sortable: bool) -> str:
    if not sortable or place == 0:
        return title
    return tag("button", title, type="button", class_="sorter")


def _cells(row: Sequence[str], text_columns: int, keys: Sequence[float] | None) -> Iterable[Markup]:
    for place, cell in enumerate(row):
        if isinstance(cell, Markup) and cell.startswith("<td"):
            yield cell
        elif place == 0 and text_columns:
            yield tag("th", cell, scope="row", class_="text")
        elif keys is not None and place:
            yield tag("td", cell, class_="number", data_value=repr(keys[place - 1]))
        else:
            yield tag("td", cell, class_=_kind(place, text_columns))
