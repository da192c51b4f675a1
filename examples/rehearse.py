"""Rehearse live trading: a day at a venue of one's own, with one answer that gets lost.

    python examples/rehearse.py

The client is alpaca-py as it is. Only the addresses would change for a real account: paper first.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections import deque
from queue import Queue
from statistics import fmean
from time import sleep

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.live import StockDataStream
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import MarketOrderRequest

KEYS = ("PKREHEARSAL", "made-up")  # whatever does not look like a live key
SYMBOL, QTY, FAST, SLOW = "AAPL", 100, 12, 60  # minutes
OPEN, MINUTES = "2012-03-01T14:30:00Z", 390

# The venue: a real day of the sample, unfolded into minutes, with a clock that stands until it
# is sent on. Its journal goes with the folder, so every call of this file is the first one.
folder = tempfile.TemporaryDirectory()
words = f"venue --replay sample --basis raw --symbols {SYMBOL} --begin {OPEN} --speed 0 --port 0"
process = subprocess.Popen(
    [
        *(sys.executable, "-m", "fanfold.cli", *words.split()),
        *("--key", KEYS[0], "--secret", KEYS[1], "--journal", f"{folder.name}/venue.db"),
    ],
    stdout=subprocess.PIPE,
    text=True,
)
place = json.loads(process.stdout.readline())
client = TradingClient(*KEYS, url_override=place["rest_url"])
stream = StockDataStream(*KEYS, url_override=place["market_data_url"])


def venue(path, body=None):
    """Ask the venue's own endpoints: its clock, its faults, its status."""
    method, url = "GET" if body is None else "POST", place["status_url"] + path
    answer = requests.request(method, url, json=body, auth=KEYS, timeout=30)
    answer.raise_for_status()
    return answer.json()


def order(side, minute):
    """Send an order and say how it was filled; an answer that is lost is asked for by name."""
    name = f"rehearsal-{minute}"  # names are unique, so one that is sent twice is taken once
    asked = MarketOrderRequest(
        symbol=SYMBOL, qty=QTY, side=side, time_in_force="day", client_order_id=name
    )
    lost = ""
    try:
        client.submit_order(asked)
    except APIError as error:
        lost = f"  (no answer; sent again: {error.message})"
    done = client.get_order_by_client_id(name)
    print(f"{done.filled_at:%H:%M}  {side:4} {done.filled_qty:>4} at {done.filled_avg_price}{lost}")
    return done


bars = Queue()


async def on_bar(bar):
    """Hand a bar over to the loop below."""
    bars.put(bar)


try:
    stream.subscribe_bars(on_bar, SYMBOL)
    listening = threading.Thread(target=stream.run, daemon=True)
    listening.start()
    while not any(one["subscriptions"] for one in venue("status")["clients"]):
        sleep(0.05)

    # The third order is taken, but its answer never comes: the venue says 504, and alpaca-py
    # sends the order again by itself.
    venue("faults", {"kind": "rest_504_after", "path": "/v2/orders", "after": 2, "count": 1})

    print(f"{SYMBOL} on {OPEN[:10]}, UTC: {QTY} while the {FAST}-minute mean is above the {SLOW}")
    closes, held, sent = deque(maxlen=SLOW), False, []
    for minute in range(1, MINUTES):
        venue("clock", {"advance_s": 60})
        closes.append(bars.get(timeout=20).close)
        last = minute == MINUTES - 1  # one minute is left to sell in: nothing is held over night
        wanted = len(closes) == SLOW and fmean(list(closes)[-FAST:]) > fmean(closes) and not last
        if wanted != held:
            sent.append(order("buy" if wanted else "sell", minute))
            held = wanted

    stream.stop()  # it looks up at its next message, which is the day's last bar
    venue("clock", {"advance_s": 60})
    listening.join()

    account = client.get_account()
    spent = sum(
        float(one.filled_avg_price) * float(one.filled_qty) * (1 if one.side == "buy" else -1)
        for one in sent
    )
    print(f"\n{len(sent)} orders, {len(client.get_all_positions())} positions left")
    print(f"Cash {float(account.cash):,.2f}, equity {float(account.equity):,.2f}")
    agrees = abs(100_000 - spent - float(account.cash)) < 0.005
    print(f"The account agrees with the fills, none of them twice: {agrees}")
finally:
    process.terminate()
    process.communicate()
    folder.cleanup()
