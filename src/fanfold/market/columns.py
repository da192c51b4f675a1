"""The library for columns, Arrow, imported when it is needed."""

from typing import Any


def arrow() -> Any:
    """The library pyarrow with its part `parquet`, imported on first need; untyped."""
    import pyarrow as pa
    import pyarrow.parquet  # pyright: ignore[reportUnusedImport]

    return pa
