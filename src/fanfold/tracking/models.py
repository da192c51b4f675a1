"""Fitted strategies as MLflow models, and back again.

A stored model is read as data and never as code. MLflow's own loading would believe the
model's list of what may be trusted, so this one brings its own. The strategy's class is
one that fanfold ships or that the caller names; none is imported because a file says so.

And a model proves itself: kept with it are forecasts of a few rows, and one whose
forecasts are not the same bits here, for a changed library perhaps, is refused.
"""

import hashlib
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import numpy as np
from pydantic import BaseModel, Field, ValidationError

import fanfold.strategies
from fanfold.errors import ConfigError, DataError, FanfoldError, JobError
from fanfold.strategies.learning import EXAMPLE_ROWS, Fitted, LearningStrategy
from fanfold.strategies.strategy import Strategy
from fanfold.tracking.estimators import TREE, read_estimator, requirements, untrusted
from fanfold.tracking.lookup import fetch_artifacts, find_run
from fanfold.tracking.server import SETTINGS, speaking, tracking_uri

METADATA: Final = "fanfold"
DIGEST_TAG: Final = "fanfold.model_sha256"
RUN_MODEL: Final = re.compile(r"runs:/([0-9a-f]{32})/(\w[\w.-]*)")


class _Card(BaseModel):
    """What is kept beside the estimator."""

    strategy: str
    params: dict[str, bool | int | float | str]
    features: list[str]
    learned: str = Field(pattern=r"^[0-9a-f]{64}$")
    row_count: int
    forecasts: list[str] = Field(min_length=1, max_length=EXAMPLE_ROWS)


def save_model(
    strategy: LearningStrategy, destination: Path, *, trusted: Sequence[str] = ()
) -> str:
    """Write a fitted strategy as an MLflow model.

    Args:
        strategy: What was fitted.
        destination: The model's folder, new; it is there whole or not at all.
        trusted: Types in the estimator, by their full names, that the caller vouches for
            beside scikit-learn's.

    Returns:
        Where it is, for `load_model` and for MLflow.

    Raises:
        ConfigError: The folder exists already.
        DataError: The estimator holds what cannot be kept safely.
        StrategyError: The strategy has learned nothing yet.
    """
    fitted = strategy.fitted
    if destination.exists():
        raise ConfigError(f"a model's folder must be new, {destination} exists")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with (
        _quietly(f"saving a model in {destination}"),
        tempfile.TemporaryDirectory(dir=destination.parent, prefix=".model-") as beside,
    ):
        folder = Path(beside) / "model"
        _write(strategy, fitted, folder, [TREE, *trusted])
        folder.rename(destination)
    return destination.absolute().as_uri()


def log_model(
    strategy: LearningStrategy,
    run_id: str,
    *,
    name: str = "model",
    folder: Path | None = None,
    trusted: Sequence[str] = (),
) -> str:
    """Keep a fitted strategy with a run, as an MLflow model, and its SHA-256 as a tag.

    Args:
        strategy: What was fitted.
        run_id: The run's id.
        name: Of the model among the run's files.
        folder: Where runs are kept; see `record_job`.
        trusted: As in `save_model`.

    Returns:
        Its address, such as ``runs:/ID/model``.

    Raises:
        ConfigError: The name has other characters than letters, digits and ``_.-``.
        DataError: The estimator holds what cannot be kept safely.
        JobError: The store could not be written.
        StrategyError: The strategy has learned nothing yet.
    """
    uri = f"runs:/{run_id}/{name}"
    if RUN_MODEL.fullmatch(uri) is None:
        raise ConfigError(f"a run's model must be runs:/ID/NAME, with a plain name, was {uri}")
    with tempfile.TemporaryDirectory() as beside:
        made = Path(beside) / name
        save_model(strategy, made, trusted=trusted)
        with speaking(tracking_uri(folder), f"keeping model {name!r} of run {run_id}") as client:
            client.log_artifacts(run_id, str(made), name)
            for tag, digest in model_tag(made).items():
                client.set_tag(run_id, tag, digest)
    return uri


def model_tag(folder: Path) -> dict[str, str]:
    """Tag for a job that keeps a saved model among its files: the SHA-256 that loading asks for."""
    digest = hashlib.sha256()
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()} {len(content)} ".encode())
        digest.update(content)
    return {f"{DIGEST_TAG}.{folder.name}": digest.hexdigest()}


def load_model(
    uri: str | Path,
    strategy: type[LearningStrategy] | None = None,
    *,
    folder: Path | None = None,
    trusted: Sequence[str] = (),
) -> LearningStrategy:
    """Read a fitted strategy; its forecasts are the same bits as those of the one saved.

    A model of a run must have the SHA-256 that the run's tag states. A folder has nobody
    who vouches for it: no code of it runs, but load only what you know the maker of.

    Args:
        uri: A model's folder, or what `save_model` or `log_model` gave.
        strategy: Its class, if it is not one that fanfold ships.
        folder: Where runs are kept; see `record_job`.
        trusted: As in `save_model`.

    Raises:
        ConfigError: There is no such run, or the strategy's class is not the one given.
        DataError: It is no model of a strategy, was changed, or forecasts other bits here.
        JobError: The store, or a damaged file of the model, could not be read.
    """
    found = RUN_MODEL.fullmatch(str(uri))
    if found is None:
        return _read(_folder_of(uri), strategy, trusted)
    run_id, name = found.groups()
    stated = find_run(run_id, folder=folder).tags.get(f"{DIGEST_TAG}.{name}", "none")
    with tempfile.TemporaryDirectory() as beside:
        fetched = fetch_artifacts(run_id, Path(beside), name=name, folder=folder)
        (digest,) = model_tag(fetched).values()
        if digest != stated:
            raise DataError(
                f"{uri} must have the SHA-256 that its run states, {stated}, had {digest}"
            )
        return _read(fetched, strategy, trusted)


def _folder_of(uri: str | Path) -> Path:
    parts = urlsplit(str(uri))
    folder = Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri)
    if not (folder / "MLmodel").is_file():
        raise DataError(
            f"a model must be a folder with a file MLmodel, or runs:/ID/NAME, was {uri}"
        )
    return folder


def _write(strategy: LearningStrategy, fitted: Fitted, folder: Path, trusted: list[str]) -> None:
    from mlflow import models, sklearn
    from skops.io.exceptions import UntrustedTypesFoundException

    flavour, described = cast("tuple[Any, Any]", (sklearn, models))  # MLflow's are half typed
    forecasts = fitted.forecasts(fitted.example)
    card = _Card(
        strategy=type(strategy).__name__,
        params=strategy.model_dump(mode="json"),
        features=_named(strategy),
        learned=fitted.identity,
        row_count=fitted.row_count,
        forecasts=[float(value).hex() for value in forecasts],
    )
    try:
        flavour.save_model(
            fitted.estimator,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=trusted,
            signature=described.infer_signature(fitted.example, forecasts),
            input_example=fitted.example,
            pip_requirements=requirements(),  # MLflow would find them out in a new process
            metadata={METADATA: card.model_dump(mode="json")},
        )
    except Exception as error:
        for one in (error, error.__context__):  # MLflow wraps it
            if isinstance(one, UntrustedTypesFoundException):
                raise untrusted(one) from None
        raise


def _read(
    folder: Path, strategy: type[LearningStrategy] | None, trusted: Sequence[str]
) -> LearningStrategy:
    with _quietly(f"loading the model in {folder}"):
        from mlflow import models

        model: Any = cast("Any", models.Model).load(str(folder))
        card = _card_of(model, folder)
        made = _made(card, strategy)
        example = np.asarray(model.load_input_example(str(folder)), np.float64)
        fitted = Fitted(
            estimator=read_estimator(folder, trusted, example.shape[-1]),
            identity=card.learned,
            row_count=card.row_count,
            example=example,
        )
        _check_forecasts(card, fitted, folder)
    return made.with_model(fitted)


def _card_of(model: Any, folder: Path) -> _Card:
    try:
        return _Card.model_validate((model.metadata or {})[METADATA])
    except (KeyError, TypeError, ValidationError):
        raise DataError(
            f"a model must be one that save_model wrote, {folder} says nothing of a strategy"
        ) from None


def _made(card: _Card, strategy: type[LearningStrategy] | None) -> LearningStrategy:
    chosen = strategy or _shipped(card.strategy)
    if chosen.__name__ != card.strategy:
        raise ConfigError(
            f"strategy must be {card.strategy}, which was saved, was {chosen.__name__}"
        )
    try:
        made = chosen(**cast("dict[str, Any]", card.params))
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise DataError(f"{card.strategy} must have the parameters of the model: {said}") from None
    if _named(made) != card.features:
        raise DataError(
            f"{card.strategy} must have the features that its model was fitted on, "
            f"{', '.join(card.features)}, has {', '.join(_named(made))}"
        )
    return made


def _shipped(name: str) -> type[LearningStrategy]:
    found = getattr(fanfold.strategies, name, None) if name in fanfold.strategies.__all__ else None
    if isinstance(found, type) and issubclass(found, LearningStrategy):
        return found
    raise ConfigError(f"{name} is no strategy of fanfold: give its class, load_model(uri, {name})")


def _check_forecasts(card: _Card, fitted: Fitted, folder: Path) -> None:
    stated = [float.fromhex(value) for value in card.forecasts]
    if fitted.forecasts(fitted.example).tobytes() != np.array(stated).tobytes():
        raise DataError(
            f"the model in {folder} must forecast the same bits as when it was saved, does not: "
            f"install what its requirements.txt names, or fit it again"
        )


def _named(strategy: Strategy) -> list[str]:
    return [repr(feature) for feature in strategy.features()]


@contextmanager
def _quietly(purpose: str) -> Generator[None]:
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # It would say that there is no pip, which is nobody's concern here.
    logger = logging.getLogger("mlflow.utils.environment")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except FanfoldError:
        raise
    except Exception as error:
        said = str(error).split("\n", maxsplit=1)[0]
        raise JobError(
            f"{purpose} must work, was stopped by {type(error).__name__}: {said}"
        ) from error
    finally:
        logger.setLevel(level)
