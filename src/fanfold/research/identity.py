"""Which trials are one and the same, whatever they are called and whatever data they saw.

A trial is what decides: the code of the decision, of its features and of what it learns,
the parameters, and the terms. Another name, another file, one more day of data or running
it again make no new trial.
"""

import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator
from typing import Any

from fanfold.domain.language import plain_hash
from fanfold.engine.spec import Terms, code_hash
from fanfold.research.plan import Params
from fanfold.strategies.strategy import Strategy

WINDOW_TERMS = ("start_bar", "end_bar")
"""Terms that say where a run is scored, and make no other trial of it."""


def trial_code(strategy: Strategy) -> str:
    """Hash of all code that decides, of the class of a strategy."""
    kind = type(strategy)
    own = {
        name
        for base in kind.__mro__[: kind.__mro__.index(Strategy)]
        for name, value in vars(base).items()
        if inspect.isfunction(value) and not name.startswith("__")
    }
    methods = [inspect.getattr_static(kind, name) for name in own]
    # By their code alone: another name of a method makes no other trial.
    hashes = sorted(plain_hash(one) for one in methods if inspect.isfunction(one))
    parts = [code_hash(strategy), *hashes]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def trial_keys(
    strategy: type[Strategy], code: str, terms: Terms, combinations: Iterable[Params]
) -> Iterator[str]:
    """Identity of each combination of a strategy on some terms.

    Args:
        strategy: The class; fields that a combination leaves out have their defaults.
        code: What `trial_code` gave.
        terms: Money, costs, limits and options.
        combinations: Parameters of each trial.
    """
    shared = {k: v for k, v in terms.as_dict().items() if k not in WINDOW_TERMS}
    options = {k: v for k, v in shared["options"].items() if k != "close_at_end"}
    head = hashlib.sha256(
        json.dumps([code, {**shared, "options": options}], sort_keys=True, default=str).encode()
    )
    fields = [
        (name, field.default, field.annotation) for name, field in strategy.model_fields.items()
    ]
    for params in combinations:
        digest = head.copy()
        values = [_plain(params.get(name, default), kind) for name, default, kind in fields]
        digest.update(repr(values).encode())
        yield digest.hexdigest()


def _plain(value: Any, kind: Any) -> Any:
    """A value as its field holds it: a whole number in a field of numbers is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if kind is int and float(value).is_integer():
        return int(value)
    return float(value) if kind is float else value
