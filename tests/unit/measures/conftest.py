"""The return series that independent values of the measures were computed on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="session")
def monthly(reference_data: Path) -> Callable[[str], pd.DataFrame]:
    """Give the monthly returns of hedge fund indices or managers, by date."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(
            reference_data / "oracles_data" / f"{name}.csv", index_col="date", parse_dates=["date"]
        )

    return read


@pytest.fixture(scope="session")
def daily(reference_data: Path) -> Callable[[str], pd.Series]:
    """Give the daily returns of a stock, by session."""

    def read(symbol: str) -> pd.Series:
        file = reference_data / "oracles_data" / f"returns_{symbol}.parquet"
        returns = pd.read_parquet(file).set_index("ts")["ret"]
        return returns.tz_localize(None)

    return read


@pytest.fixture(scope="session")
def trials(reference_data: Path) -> np.ndarray:
    """Daily returns of 28 moving-average crosses on SPY, `[bar, trial]`."""
    file = reference_data / "oracles_data" / "trials_SPY_sma_grid.parquet"
    return pd.read_parquet(file).drop(columns="ts").to_numpy()
