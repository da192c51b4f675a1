"""Bring a strategy up live, watch it trade, compare it with the backtest, bring it down.

    python examples/live_by_hand.py

The venue is one of your own, at sixty times the speed of a clock; no account anywhere. With
a paper account's keys in the environment, `at="paper"` is all that would change.
"""

import time
from pathlib import Path

from fanfold.live.folder import Folder
from fanfold.settings import read_settings
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.parity import parity_job
from fanfold.workflows.live.status import status_of
from fanfold.workflows.live.stop import down, kill
from fanfold.workflows.live.up import up

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "live_paper.yaml"
FILLS, SECONDS = 4, 60

job = read_settings(
    CONFIG,
    [
        "deployment=by-hand",
        "strategy.params.fast=3",  # restless, so that something is seen within a minute
        "strategy.params.slow=8",
        "live.host.hosts=processes",
    ],
    LiveJob,
)
folder = Folder.of(job.deployment)


def tell(line):
    """Say how far it is."""
    print(f"  {line}")


print(f"Up: {job.strategy.name} on {', '.join(job.data.symbols)}")
brought_up = up(job, tell, fresh=True)  # what a former call left is put aside
print(f"Its page: {brought_up['venue']['status_url']}")
try:
    began = time.monotonic()
    fills = 0
    while fills < FILLS and time.monotonic() - began < SECONDS:
        time.sleep(2)
        now = status_of(folder)
        fills = now["statistics"]["execution"]["counts"].get("fills", 0)
        held = {name: f"{units:g}" for name, units in now["positions"].items()} or "nothing"
        print(f"{now['status']}: {fills} fills, equity {now['equity']:,.2f}, holds {held}")

    killed = kill(folder, "by hand", "enough seen")  # halt, cancel, flatten; works with all dead
    print(f"Flat: {killed['flat']}, within {killed['seconds']:.1f} s")

    audit = parity_job(str(folder.path), track=False)  # now, while the venue can be asked
    for leg in audit.content["legs"]:
        print(f"{leg['verdict']:<13}{leg['name']}: {leg['compared']} compared")
    live, backtest = (audit.content["profit"][name] for name in ("live", "backtest"))
    print(f"Earned {live:+,.2f}, the backtest of the same minutes {backtest:+,.2f}:")
    for cause, amount in audit.content["causes"].items():
        print(f"  {cause:<12}{amount:>+12,.2f}")
    print(f"The replay decided what was decided live: {audit.status == 'ok'}")
    print(f"Side by side: {audit.content['artifacts'][0]}")
finally:
    down(folder, "by hand", tell)
