"""The packaged sample as a source: five US stocks, daily, 2000 to 2013.

Prices as they were traded, with the vendor's adjusted closes beside them, from the package
`bokeh-sampledata`. The universe was chosen with hindsight.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fanfold.errors import ConfigError, DataError
from fanfold.market.sources.file import FileSource
from fanfold.market.sources.source import Delivery, Request

SYMBOLS: Final = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
"""What the sample holds."""

_FILE: Final = "stocks.csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSource:
    """The packaged sample.

    Attributes:
        name: What reports and the store call it.
        feed: It has one only.
    """

    name: str = "sample"
    feed: str = ""

    def check(self, request: Request) -> None:
        """Refuse what the sample does not hold; see `fanfold.market.sources.source.Source`."""
        asked = (("kind", request.kind, "bars"), ("timeframe", request.timeframe, "1D"))
        for what, given, held in (*asked, ("basis", request.basis or "raw", "raw")):
            if given != held:
                raise ConfigError(f"{what} of the sample must be {held!r}, was {given!r}")

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """Deliver each symbol's bars; see `fanfold.market.sources.source.Source`."""
        self.check(request)
        source = FileSource(
            files=sample_file(), kind="bars", stamp="session", timeframe="1D", calendar="XNYS"
        )
        yield from source.fetch(request)


def sample_file() -> Path:
    """The CSV file in the package.

    Raises:
        DataError: The package lacks it.
    """
    import bokeh_sampledata as untyped

    package: Any = untyped
    file = Path(package.__file__).parent / "_data" / _FILE
    if not file.is_file():
        raise DataError(f"the package bokeh-sampledata must hold {_FILE}, {file} is not there")
    return file
