"""Live beside backtest: two curves, and the steps from one profit to the other."""

from collections.abc import Mapping

from fanfold.reporting.figures.plot import Figure, axis, plain, time_axis, time_lines
from fanfold.reporting.parity_views import ParityView

MONEY = "%{y:,.2f}"


def curves_figure(view: ParityView) -> Figure:
    """Profit of the account and of the backtest over one time axis."""
    series = [("live", "equity", view.live), ("backtest", "benchmark", view.backtest)]
    layout = {
        "hovermode": "x unified",
        "xaxis": time_axis(view.live.index),
        "yaxis": axis() | {"tickformat": "~s"},
    }
    return {"data": time_lines(series, MONEY), "layout": layout}


def steps_figure(backtest: float, causes: Mapping[str, float], live: float) -> Figure:
    """A bridge: the backtest's profit, what each cause adds or takes, the account's."""
    names = ["backtest", *(plain(name.replace("_", " ")) for name in causes), "live"]
    bar = {
        "type": "waterfall",
        "x": names,
        "y": [backtest, *causes.values(), live],
        "measure": ["absolute", *("relative" for _ in causes), "total"],
        "hovertemplate": "%{x}: %{delta:,.2f}<extra></extra>",
        "increasing": {"marker": {"color": "var(--gain)"}},
        "decreasing": {"marker": {"color": "var(--loss)"}},
        "totals": {"marker": {"color": "var(--equity)"}},
        "connector": {"line": {"color": "var(--quiet)", "width": 1}},
    }
    layout = {"xaxis": axis() | {"type": "category"}, "yaxis": axis() | {"tickformat": "~s"}}
    return {"data": [bar], "layout": layout}
