"""From a strategy's name in a configuration to its class and parameters."""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from pydantic import ValidationError

import fanfold.strategies
from fanfold.errors import ConfigError
from fanfold.research.made import reason_of
from fanfold.research.plan import AXIS_SIZE_MAX, checked_name
from fanfold.research.space import PAIR
from fanfold.strategies.strategy import Strategy

RANGE_NUMBERS_MAX = 3
"""A range is its first value, the one after its last, and its step."""


def find_strategy(name: str) -> type[Strategy]:
    """The class that a configuration names.

    Args:
        name: A shipped strategy, or FILE.py:Class, or package.module:Class.

    Raises:
        ConfigError: There is none of that name; names the nearest.
    """
    place, colon, class_name = name.rpartition(":")
    if not colon:
        return _shipped(name)
    module = _from_file(Path(place)) if place.endswith(".py") else _from_package(place)
    found = getattr(module, class_name, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ConfigError(f"{place} must define the strategy {class_name}, did not")
    return found


def made(strategy: type[Strategy], params: Mapping[str, Any]) -> Strategy:
    """One strategy with these parameters.

    Raises:
        ConfigError: A parameter is unknown or out of bounds, or they do not go together.
    """
    for name in params:
        checked_name(strategy, name)
    try:
        return strategy(**params)
    except ValidationError as error:
        raise ConfigError(f"{strategy.__name__}: {reason_of(error)}") from None


def split_space(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters that are swept, with their values, and those that are fixed.

    Raises:
        ConfigError: A range or list of values is not well formed.
    """
    swept = {name: _values(name, value) for name, value in params.items() if _is_axis(value)}
    return swept, {name: value for name, value in params.items() if name not in swept}


def search_space(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters whose values are stated, with them, and those that are fixed.

    Raises:
        ConfigError: A range, a list or a pair of bounds is not well formed.
    """
    stated = {name: _searched(name, value) for name, value in params.items() if _is_axis(value)}
    return stated, {name: value for name, value in params.items() if name not in stated}


def _searched(name: str, stated: Mapping[str, Any]) -> Any:
    if list(stated) != ["between"]:
        return _values(name, stated)
    ends: Any = stated["between"]
    if not isinstance(ends, list) or len(cast("list[Any]", ends)) != PAIR:
        raise ConfigError(f"{name} must be between two numbers, was {dict(stated)}")
    return tuple(cast("list[Any]", ends))


def is_importable(module_name: str) -> bool:
    """Whether a worker of a cluster has the module: fanfold's own, or installed."""
    module = sys.modules.get(module_name)
    file = getattr(module, "__file__", None)
    installed = file is not None and Path(file).is_relative_to(sys.prefix)
    return module_name.partition(".")[0] in ("fanfold", "__main__") or installed


def _is_axis(value: Any) -> bool:
    return isinstance(value, Mapping)


def _values(name: str, stated: Mapping[str, Any]) -> Any:
    (kind, listed), *others = stated.items() or {"": None}.items()
    bounds = cast("list[Any]", listed) if isinstance(listed, list) else []
    if kind == "values" and bounds and not others:
        return bounds
    whole = all(type(bound) is int for bound in bounds)
    if kind != "range" or others or not whole or not 1 <= len(bounds) <= RANGE_NUMBERS_MAX:
        raise ConfigError(
            f"{name} must be a value, {{range: [first, stop, step]}} of whole numbers "
            f"or {{values: [...]}}, was {dict(stated)}"
        )
    if len(bounds) == RANGE_NUMBERS_MAX and bounds[-1] == 0:
        raise ConfigError(f"{name}: the step of a range must not be 0, was {bounds}")
    steps = range(*bounds)
    if not 1 <= len(steps) <= AXIS_SIZE_MAX:
        raise ConfigError(f"{name} must have 1 to {AXIS_SIZE_MAX:,} values, had {len(steps):,}")
    return steps


def _shipped(name: str) -> type[Strategy]:
    known = {
        key: value
        for key in fanfold.strategies.__all__
        if isinstance(value := getattr(fanfold.strategies, key), type)
        and issubclass(value, Strategy)
        and not inspect.isabstract(value)
        and value is not Strategy
    }
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f", did you mean {near[0]!r}?" if near else "; or give FILE.py:Class"
    raise ConfigError(f"strategy must be one of {', '.join(known)}, was {name!r}{hint}")


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise ConfigError(f"a strategy's file must be there, {file} is not")
    # Named by its place: two files of one name may be used together.
    digest = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:12]
    module_name = f"{file.stem}_{digest}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"a strategy's file must be Python, {file} is not")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise ConfigError(f"{file} must load, raised {type(error).__name__}: {error}") from error
    return module


def _from_package(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"a strategy's module must be importable, {name} is not: {error}"
        ) from None
