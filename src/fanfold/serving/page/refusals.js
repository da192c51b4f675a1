// Why risk refused or trimmed, in words and with the numbers in their own units.

import {count, money, percent, plain, price, seconds, times, words} from "./numbers.js";

const share = value => percent(value, 1);

// Reason: what it means, and the unit of its bound and of what would have been reached.
const REASONS = {
  bad_number: ["heard before", null], bad_goal: ["its goal cannot be meant", null],
  bad_price: ["its price cannot be meant", price], bad_mark: ["it was sized at no price", null],
  not_armed: ["risk is not armed", null], kill: ["the kill switch is set", null],
  too_large: ["larger than money can be", money],
  not_shortable: ["cannot be sold short by this account", money],
  order_type: ["the venue does not take such an order", null],
  off_tick: ["its price lies between the venue's ticks", price],
  min_notional: ["smaller than the venue's smallest order", money],
  unconfirmed: ["the last price jumped and is not confirmed", share],
  price_collar: ["too far from the live price", share],
  max_order_notional: ["larger than the largest order", money],
  max_volume_share: ["too large for a bar's usual volume", share],
  daily_volume: ["too large for a day's usual volume", share],
  max_position: ["the position would be too large for the equity", share],
  max_orders: ["too many orders in this session", count],
  max_sector: ["its sector would be too large", share],
  max_net: ["long less short would be too large", share],
  max_gross: ["all positions would be too large", share],
  spread: ["the spread is too wide", share], self_trade: ["it would meet an exit of our own", price],
  duplicate: ["the same was approved a moment ago", seconds],
  open_orders: ["too many orders are open", count], order_rate: ["too many orders in a second", count],
  no_equity: ["there is no equity", money], buying_power: ["beyond the account's leverage", times],
  broker_power: ["the broker has not enough buying power left", money],
  session_closed: ["no session is open for it", null], asset_halted: ["trading in it is halted", null],
  no_price: ["there is no live price", null], stale_price: ["the last price is too old", seconds],
  feed_down: ["market data is down", seconds], asset_stale: ["it has been silent too long", null],
  old_event: ["decided on something long past", seconds],
  no_account: ["the broker has not said what the account holds", null],
  gate_closed: ["execution may not send yet", null], halted: ["a latch is set", null],
  max_var: ["value at risk would be too large", share],
};

export function whyRefused({reason}) {
  return REASONS[reason]?.[0] ?? words(reason);
}

// "" where there is no number.
export function howFar({reason, bound, reached}) {
  const unit = REASONS[reason] ? REASONS[reason][1] : plain;
  if (!unit || (bound === null && reached === null)) return "";
  if (bound === null) return `: ${unit(reached)}`;
  return reached === null ? `: the limit is ${unit(bound)}` : `: ${unit(reached)}, limit ${unit(bound)}`;
}
