"""Whether live listens to what was tested: quotes of one exchange are not those of all."""

from typing import TYPE_CHECKING, Final

from fanfold.errors import FanfoldError

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob

STORED: Final = "bars"
"""Kind of a store's series that strategies are tested on."""


def feed_warning(job: "LiveJob") -> str:
    """What is to be said of the feed that a job trades on; "" where it is the tested one."""
    from fanfold.workflows.live.addresses import class_of_symbols, settled
    from fanfold.workflows.promotion.subject import data_of

    try:
        data = data_of(job)
        live = settled(job.live, class_of_symbols(job.data.symbols)).market.feed
    except FanfoldError:
        return ""  # said where it is asked for
    if job.live.broker.at == "local":
        return ""
    tested = sorted(_feeds(data.source, job.data.symbols))
    if tested == [live]:
        return ""
    told = f"feed {', '.join(tested)}" if tested else "bars of no known feed"
    return f"it was tested on {told} ({data.source}), live it listens to {live}: bars may differ"


def _feeds(source: str, symbols: list[str]) -> set[str]:
    """Feeds that a store's bars of these symbols came from; none where it is no store."""
    from fanfold.market.store import Store

    try:
        store = Store.at(source)
        if not store.exists:
            return set()
        named = [one for one in store.series(STORED) if one.symbol in symbols]
        return {found for one in named if (found := store.labels(one).get("feed", ""))}
    except (FanfoldError, OSError):
        return set()
