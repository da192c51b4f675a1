"""Estimators read as data and never as code.

They are kept by skops, which runs nothing of what it reads and refuses types that it was
not told to trust. Trees are told: skops does not trust them by itself, because
scikit-learn follows the numbers in them without looking, so here they are looked at first.
"""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError

ESTIMATOR_FILE: Final = "model.skops"
"""In the folder of an MLflow model."""

TREE: Final = "sklearn.tree._tree.Tree"

BYTES_MAX: Final = 512 * 2**20
"""An estimator, unpacked [bytes]."""

NEST_MAX: Final = 12
"""How deep an estimator may hold others [levels]."""


def read_estimator(folder: Path, trusted: Sequence[str], feature_count: int) -> Any:
    """The estimator in a model's folder.

    Args:
        folder: The model's.
        trusted: Types that the caller vouches for beside scikit-learn's, by full name.
        feature_count: Features that it will be asked with.

    Raises:
        DataError: It is not kept by skops, is too large, holds other types, or trees that
            lead nowhere.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    file = folder / ESTIMATOR_FILE
    if not zipfile.is_zipfile(file):
        raise DataError(f"a model's estimator must be kept by skops, {file} is not")
    with zipfile.ZipFile(file) as packed:
        size = sum(one.file_size for one in packed.infolist())
    if size > BYTES_MAX:
        raise DataError(f"a model must have at most {BYTES_MAX} bytes, {file} has {size}")
    try:
        estimator: Any = skops.io.load(file, trusted=[TREE, *trusted])
    except UntrustedTypesFoundException as error:
        raise untrusted(error) from None
    for tree in _trees_in(estimator, NEST_MAX):
        _check_tree(tree, feature_count)
    return estimator


def requirements() -> list[str]:
    """What has to be installed where an estimator is read, as pip takes it."""
    return [f"{name}=={version(name)}" for name in ("numpy", "scikit-learn", "skops")]


def untrusted(error: Exception) -> DataError:
    """What skops refused, in one line."""
    first = str(error).split("\n", maxsplit=1)[0]
    return DataError(
        "a model must be made of scikit-learn's estimators and plain arrays; name other types "
        f"that you vouch for in trusted. {first}"
    )


def _check_tree(tree: Any, feature_count: int) -> None:
    if not 0 < tree.node_count <= tree.capacity:
        raise DataError("a tree must have the nodes that it counts, has not")
    nodes = np.arange(int(tree.node_count))
    inner: Any = tree.children_left != -1
    # A child comes after its parent, so no walk goes round for ever.
    for child in (tree.children_left, tree.children_right):
        leads_on: Any = (child > nodes) & (child < tree.node_count)
        if not leads_on[inner].all():
            raise DataError("a tree's branches must lead on to its own nodes, one does not")
    if not ((tree.feature >= 0) & (tree.feature < feature_count))[inner].all():
        raise DataError(f"a tree must ask for one of {feature_count} features, one does not")


def _trees_in(value: Any, depth: int) -> Iterator[Any]:
    if f"{type(value).__module__}.{type(value).__qualname__}" == TREE:
        yield value
        return
    for one in _held_by(value):
        if depth == 0:
            raise DataError(f"estimators must be nested at most {NEST_MAX} levels, were more")
        yield from _trees_in(one, depth - 1)


def _held_by(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[Any, Any]", value).values()
    if isinstance(value, (list, tuple)):
        return cast("Sequence[Any]", value)
    if isinstance(value, np.ndarray):
        array = cast("NDArray[Any]", value)
        return array.ravel().tolist() if array.dtype == object else ()
    return getattr(value, "__dict__", {}).values()
