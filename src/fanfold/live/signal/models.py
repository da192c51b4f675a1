"""Fitted strategies in a deployment's folder, read as data and never as code.

The estimator is a file of skops, which runs nothing of what it reads and refuses types that
it was not told to trust. Beside it stand its SHA-256 and forecasts of a few rows: an
estimator that was changed, or that forecasts other bits here, is refused.
"""

import hashlib
import zipfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from fanfold.errors import ConfigError, DataError
from fanfold.live.folder import PRIVATE, Folder, write_durably
from fanfold.live.messages import UNREADABLE
from fanfold.strategies.learning import Fitted, LearningStrategy
from fanfold.strategies.strategy import Strategy

BYTES_MAX: Final = 512 * 2**20
"""Largest file of an estimator [bytes]."""

_ESTIMATOR: Final = "estimator.skops"
_CARD: Final = "card.json"
_TREE: Final = "sklearn.tree._tree.Tree"
"""Trees are trusted as far as the digest says that they are the ones that were put there."""


class _Card(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept beside the estimator; floats as hexadecimal text, so as the same bits."""

    strategy: str
    features: list[str]
    learned: str
    row_count: int
    sha256: str
    trusted: list[str]
    example: list[list[str]]
    forecasts: list[str]


def write_model(
    folder: Folder, strategy: LearningStrategy, *, trusted: tuple[str, ...] = ()
) -> None:
    """Keep a fitted strategy's estimator in a deployment's folder.

    Args:
        folder: The deployment's.
        strategy: What was fitted, from a run's model for instance.
        trusted: Types in the estimator, by their full names, that the caller vouches for
            beside scikit-learn's.

    Raises:
        StrategyError: The strategy has learned nothing yet.
        OSError: The disk is full, or worse.
    """
    import skops.io

    fitted = strategy.fitted
    content: bytes = skops.io.dumps(fitted.estimator)
    card = _Card(
        strategy=type(strategy).__name__,
        features=_features(strategy),
        learned=fitted.identity,
        row_count=fitted.row_count,
        sha256=hashlib.sha256(content).hexdigest(),
        trusted=[_TREE, *trusted],
        example=[[value.hex() for value in row] for row in fitted.example.tolist()],
        forecasts=[value.hex() for value in fitted.forecasts(fitted.example).tolist()],
    )
    folder.model.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    write_durably(folder.model / _ESTIMATOR, content)
    write_durably(folder.model / _CARD, msgspec.json.encode(card))


def with_model(folder: Folder, strategy: Strategy) -> Strategy:
    """A strategy with the model in its deployment's folder; itself if it needs none.

    Raises:
        ConfigError: The model is of another strategy, or of other features.
        DataError: There is no model, it was changed, or it forecasts other bits here.
    """
    if not isinstance(strategy, LearningStrategy):
        return strategy
    card = _card(folder.model / _CARD)
    found = type(strategy).__name__, _features(strategy)
    if found != (card.strategy, card.features):
        raise ConfigError(
            f"the model must be of {found[0]} and its features {found[1]}, "
            f"was of {card.strategy} and {card.features}"
        )
    example = np.array([[float.fromhex(value) for value in row] for row in card.example])
    fitted = Fitted(
        estimator=_estimator(folder.model / _ESTIMATOR, card),
        identity=card.learned,
        row_count=card.row_count,
        example=example,
    )
    stated = np.array([float.fromhex(value) for value in card.forecasts])
    if fitted.forecasts(example).tobytes() != stated.tobytes():
        raise DataError(
            f"the model in {folder.model} must forecast the same bits as where it was put "
            "there, does not: install the same libraries, or fit it again"
        )
    return strategy.with_model(fitted)


def _card(file: Path) -> _Card:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Card)
    except (OSError, *UNREADABLE) as error:
        raise DataError(f"a fitted strategy must have its model in {file}: {error}") from None


def _estimator(file: Path, card: _Card) -> Any:
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    size = file.stat().st_size if file.is_file() else 0
    if not 0 < size <= BYTES_MAX:
        raise DataError(f"a model must have 1 to {BYTES_MAX} bytes, {file} has {size}")
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.sha256:
        raise DataError(f"{file} must have the SHA-256 {card.sha256}, has {digest}")
    if not zipfile.is_zipfile(file):
        raise DataError(f"a model's estimator must be kept by skops, {file} is not")
    try:
        return skops.io.loads(content, trusted=card.trusted)
    except UntrustedTypesFoundException as error:
        said = str(error).split("\n", maxsplit=1)[0]
        raise DataError(f"a model must hold trusted types only: {said}") from None


def _features(strategy: Strategy) -> list[str]:
    return [repr(feature) for feature in strategy.features()]
