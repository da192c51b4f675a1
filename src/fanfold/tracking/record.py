"""What one job leaves behind, as values.

A job builds its record while it works and the store writes it down at the end,
so nothing below this room knows that there is a store, and a record can be
looked at in a test without one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from fanfold.errors import ConfigError

SECRET_WORDS = frozenset({"key", "keys", "pwd", "auth", "credential", "credentials"})
SECRET_ENDINGS = (
    *("apikey", "secretkey", "privatekey", "accesskey"),
    *("token", "tokens", "secret", "secrets"),
    *("password", "passwords", "passwd", "passphrase"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildRecord:
    """One of a job's results that people compare: a finalist, a fold, a failure.

    Attributes:
        name: What the run is called.
        params: What went in; nested mappings become dotted names.
        metrics: What came out; NaN and infinite ones are left out by name.
        tags: What is good to know beside it.
        artifacts: Files, or folders, to keep with the run.
    """

    name: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    tags: Mapping[str, object] = field(default_factory=dict[str, object])
    artifacts: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        _refuse_secrets(self.name, self.params, self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One job: what was asked, what came of it, and its best as children.

    Attributes:
        job: Kind of job, such as `sweep`.
        experiment: Group of runs that it belongs to.
        name: What the run is called.
        params: What went in; nested mappings become dotted names.
        metrics: What came out; NaN and infinite ones are left out by name.
        tags: Data fingerprint, code hash, seed, environment.
        artifacts: Files, or folders, to keep with the run.
        children: Runs drawn under this one.
    """

    job: str
    experiment: str
    name: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    tags: Mapping[str, object] = field(default_factory=dict[str, object])
    artifacts: tuple[Path, ...] = ()
    children: tuple[ChildRecord, ...] = ()

    def __post_init__(self) -> None:
        _refuse_secrets(self.name, self.params, self.tags)


def flattened(values: Mapping[str, object]) -> dict[str, object]:
    """The same values, with nested mappings and their lists as dotted names."""
    return dict(_leaves("", values))


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[Any, object]", value).items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list | tuple) and any(
        isinstance(item, Mapping) for item in cast("list[object]", value)
    ):
        for place, item in enumerate(cast("list[object]", value)):
            yield from _leaves(f"{name}.{place}", item)
    else:
        yield name, value


def _refuse_secrets(run: str, *groups: Mapping[str, object]) -> None:
    for group in groups:
        for name in flattened(group):
            if _looks_secret(name):
                raise ConfigError(
                    f"no name in a tracked run may look like a secret, {name!r} in {run!r} does:"
                    " leave it out or rename it"
                )


def _looks_secret(name: str) -> bool:
    # `apiKey` and `API_KEY` are both two words; `apikey` is known by its ending.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.findall(r"[a-z0-9]+", spaced.lower())
    return any(word in SECRET_WORDS or word.endswith(SECRET_ENDINGS) for word in words)
