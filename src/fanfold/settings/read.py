"""From a file to settings, and from a wrong one to a line that helps."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, overload

from pydantic import BaseModel, ValidationError

from fanfold.errors import ConfigError
from fanfold.settings.tree import Settings

CONFIG_BYTES_MAX = 1_000_000
"""Largest configuration file that is read [bytes]."""


SHOWN_MAX = 300
"""Longest value that an error repeats [characters]."""

MISSING = re.compile(r"(\w+)\.__init__\(\) missing .*?: (.*)")
"""How Python says that an argument was not given."""


M = TypeVar("M", bound=BaseModel)


@overload
def read_settings(file: Path, overrides: Sequence[str] = ()) -> Settings: ...
@overload
def read_settings(file: Path | None, overrides: Sequence[str], model: type[M]) -> M: ...
def read_settings(
    file: Path | None, overrides: Sequence[str] = (), model: type[BaseModel] = Settings
) -> BaseModel:
    """Read a YAML file, change single settings, and check the whole.

    Args:
        file: The configuration; None for the defaults of `model`.
        overrides: Changes as "a.b=value"; the value is YAML.
        model: What it describes: a job, if nothing else is said.

    Raises:
        ConfigError: The file is missing or no YAML, a key is unknown, or a value is
            out of bounds; names file, field and value.
    """
    import yaml

    try:
        content = {} if file is None else _content(file, yaml.safe_load)
        for override in overrides:
            _override(content, override, yaml.safe_load)
    except yaml.YAMLError as error:
        raise ConfigError(f"{file or '--set'} must be YAML: {_one_line(error)}") from None
    return check_settings(content, str(file or "settings"), model)


def _content(file: Path, parse: Any) -> dict[str, Any]:
    if not file.is_file():
        raise ConfigError(f"configuration must be a file, {file} is not there")
    if file.stat().st_size > CONFIG_BYTES_MAX:
        raise ConfigError(f"{file} must be smaller than {CONFIG_BYTES_MAX:,} bytes")
    try:
        read = parse(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{file} must be UTF-8 text") from None
    if not isinstance(read, dict):
        raise ConfigError(f"{file} must hold settings by name, held {type(read).__name__}")
    return cast("dict[str, Any]", read)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@overload
def check_settings(content: Mapping[str, Any], name: str) -> Settings: ...
@overload
def check_settings(content: Mapping[str, Any], name: str, model: type[M]) -> M: ...
def check_settings(
    content: Mapping[str, Any], name: str, model: type[BaseModel] = Settings
) -> BaseModel:
    """Check settings that were read from somewhere.

    Args:
        content: By name.
        name: Where they were read, for errors.
        model: What they describe: a job, if nothing else is said.

    Raises:
        ConfigError: A key is unknown, or a value is out of bounds.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{name}: {_explained(error, model)}") from None
    except TypeError as error:
        # Sizings and shocks that can be written as Gap(-0.2) have an __init__ of their own.
        missing = MISSING.fullmatch(str(error))
        if missing is None:
            raise
        raise ConfigError(f"{name}: {missing[1]} must state {missing[2]}, did not") from None


def _override(content: dict[str, Any], override: str, parse: Any) -> None:
    path, equals, text = override.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set must look like a.b=value, was {override!r}")
    place: dict[str, Any] = content
    for key in keys[:-1]:
        inner = place.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {path}: {key} holds a value, not settings")
        place = cast("dict[str, Any]", inner)
    place[keys[-1]] = parse(text)


def _explained(error: ValidationError, model: type[BaseModel]) -> str:
    """The first finding in one line: field, what must hold, what it was."""
    found = error.errors(include_url=False)[0]
    path = [str(part) for part in found["loc"]]
    where = ".".join(path)
    if found["type"] == "extra_forbidden":
        known = _names_at(path[:-1], model)
        near = difflib.get_close_matches(path[-1], known, 1)
        hint = f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
        return f"{where} is not a setting{hint}"
    message = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if not where:
        return message
    shown = repr(found["input"])
    # What was refused may be a secret, or settings with one among them.
    if where == "search.storage" or path[-1] == "secret" or "secret" in shown:
        return f"{where} {message}"
    return f"{where} {message}, was {shown if len(shown) <= SHOWN_MAX else 'too long to show'}"


def _names_at(path: Sequence[str], model: type[BaseModel]) -> list[str]:
    """Names of the settings that may stand at a place in the tree."""
    choices: list[type[BaseModel]] = []
    for key in path:
        if key in model.model_fields:
            choices = _models_in(model.model_fields[key].annotation)
        for choice in choices:
            if len(choices) == 1 or _kind_of(choice) == key:
                model = choice
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _kind_of(model: type[BaseModel]) -> str | None:
    kind = model.model_fields.get("kind")
    return None if kind is None else str(kind.default)
