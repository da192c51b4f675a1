"""Words for codes: reasons of orders, kinds of cost, and how figures are counted."""

from collections.abc import Mapping

REFUSALS: Mapping[str, str] = {
    "max_position": "one position would pass its limit",
    "max_gross": "all positions together would pass their limit",
    "max_drawdown": "the account had lost what it may lose",
    "buying_power": "the account could not pay for it",
    "replaced": "a newer target took its place",
    "min_trade": "too small to send",
    "max_net": "long less short would pass its limit",
    "max_sector": "one sector would pass its limit",
    "max_order_notional": "one order would be larger than allowed",
    "max_volume_share": "it would be too large a share of the volume",
    "max_orders": "too many orders would be sent",
    "max_daily_loss": "the session had lost what it may lose",
    "max_var": "the portfolio's value at risk would pass its limit",
    "margin_call": "equity fell under what the positions require",
    "not_shortable": "the asset cannot be sold short",
    "not_member": "the asset was not in the universe at the time",
    "delisted": "the asset left the market",
    "time_in_force": "its time ran out",
    "exit": "the position it protected was closed",
    "no_stop_loss": "sizing by risk needs a stop, there was none",
    "price_collar": "its price would be too far from the market's",
    "daily_volume": "it would be too large a share of a day's volume",
    "unconfirmed": "the last price had jumped, and was not confirmed yet",
    "end_of_data": "the data ended first",
}
COSTS: Mapping[str, str] = {
    "commission": "Commission",
    "slippage": "Slippage, estimated",
    "regulatory": "Regulatory fees",
    "borrow": "Borrowing of shares",
    "interest": "Margin interest",
    "dividend": "Dividends received",
    "cash_in_lieu": "Cash for fractions",
}
INCOME = ("dividend", "cash_in_lieu")
"""Kinds of booking that are no cost: shown with their sign turned."""
CONVENTIONS = (
    "A decision sees what is known at the end of a bar; its orders meet the next bar, or a later"
    " one if the terms say so.",
    "Returns are simple returns of equity from one session's close to the next. Deviations divide"
    " by n − 1. Ratios a year use the periods a year printed under each table of measures.",
    "A drawdown is 1 − equity ÷ highest equity so far; the longest one is counted in calendar days"
    " from its peak until that peak is passed.",
    "The Calmar ratio is the compounded return a year over the deepest drawdown; the profit factor"
    " is what the winners won over what the losers lost, after fees.",
    "Turnover is what was bought plus what was sold, over mean equity. A round trip goes from the"
    " fill that opens a position to the fill that closes it; what is still open is not one.",
    "Value at risk and expected shortfall are the historical ones of single sessions at 95%:"
    " the loss that one session in twenty passed, and the mean loss of those that did; those of"
    " paths and forecasts name their own horizon and level.",
    "Amounts are in the currency of the account. A dash means that the figure is not defined.",
)


def cost_word(kind: str) -> str:
    """What a kind of cost is called."""
    return COSTS.get(kind, kind.replace("_", " "))
