"""Orders of a group keep their order of prices when one of them is replaced."""

from decimal import Decimal

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake.rules import check_beyond
from fanfold.venue.trading.values import Order


def check_group(
    desk: Desk, order: Order, limit: Decimal | None, stop: Decimal | None
) -> Refusal | None:
    """Whether the exits of a group still lie on their sides of each other and of the entry.

    Args:
        desk: The book.
        order: The order to be replaced, before it is.
        limit: Its limit then.
        stop: Its stop then.
    """
    root = order if not order.parent else desk.book.order(order.parent)
    if root is None or not root.legs:
        return None
    legs = [leg for name in root.legs if (leg := desk.book.order(name)) is not None]
    prices = {one.id: (one.limit_price, one.stop_price) for one in (root, *legs) if one.is_open}
    prices[order.id] = limit, stop
    entry = prices.get(root.id, (None, None))[0]
    target = loss = None
    for leg in legs:
        leg_limit, leg_stop = prices.get(leg.id, (None, None))
        if leg.role == "stop_loss":
            loss = leg_stop
        else:
            target = leg_limit
    if root.order_class == "oco":
        return check_beyond("stop_loss.stop_price", loss, entry, root.sign)
    for base in (entry, target):
        refused = check_beyond("stop_loss.stop_price", loss, base, -root.sign)
        if refused is not None:
            return refused
    return check_beyond("take_profit.limit_price", target, entry, root.sign)
