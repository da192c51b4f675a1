"""The Grafana boards as tables, and what makes their JSON: `python infra/grafana/boards.py`.

A test holds the files in dashboards/ to what this makes, and asks a real Prometheus for every
expression. Series come from rules beside Prometheus; where both of its jobs see a deployment,
the greatest of equal series is shown, never their sum.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
"""As provisioning/datasources names it."""

COLUMNS = 24
"""Width of a board in Grafana's units."""

D = 'deployment="$deployment"'


class Panel(NamedTuple):
    """One panel.

    Attributes:
        title: As people read it.
        series: Expressions, each with its legend.
        unit: Of Grafana's names.
        width: Of `COLUMNS`.
        kind: "timeseries", "stat" or "state-timeline".
        text: What to make of it.
    """

    title: str
    series: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 12
    kind: str = "timeseries"
    text: str = ""


def top(metric: str, *tags: str, where: str = D) -> str:
    """The greatest of equal series."""
    by = ", ".join(("deployment", *tags))
    return f"max by ({by}) ({metric}{{{where}}})"


LIVE = {
    "Now": (
        Panel("Status", ((f"{top('fanfold_status', 'status')} == 1", "{{status}}"),),
              width=4, kind="stat"),
        Panel("Equity", ((top("fanfold_equity_currency"), ""),), "currencyUSD", 4, "stat"),
        Panel("Result of the day", ((top("fanfold_day_pnl_currency"), ""),), "currencyUSD", 4,
              "stat"),
        Panel("Drawdown", ((top("fanfold_drawdown_ratio"), ""),), "percentunit", 4, "stat"),
        Panel("Latches", ((f"sum({top('fanfold_latch', 'latch')}) or vector(0)", ""),),
              width=4, kind="stat", text="More than 0 halts."),
        Panel("Last look", ((f"time() - {top('fanfold_polled_at_seconds')}", ""),), "s", 4, "stat",
              "Age of what this board shows."),
    ),
    "Money, and what the backtest expects": (
        Panel("Equity beside the expectation", (
            (top("fanfold_equity_currency"), "equity"),
            (top("fanfold_expected_equity_currency", "bound"), "expected: {{bound}}"),
        ), "currencyUSD", 16, text="Median and band of the backtest's returns out of sample: who "
           "leaves the band is reduced to what lessens positions."),
        Panel("Drawdown and its limit", (
            (top("fanfold_drawdown_ratio"), "drawdown"),
            (top("fanfold_limit_ratio", where=f'{D}, limit="max_drawdown"'), "limit"),
        ), "percentunit", 8),
        Panel("Exposure", (
            (top("fanfold_gross_exposure_currency"), "gross"),
            (top("fanfold_net_exposure_currency"), "net"),
            (top("fanfold_reserved_currency"), "reserved by orders"),
        ), "currencyUSD"),
        Panel("Positions", ((top("fanfold_position_currency", "symbol"), "{{symbol}}"),),
              "currencyUSD"),
    ),
    "From goals to fills": (
        Panel("Goals, approvals, fills per minute", (
            (f"60 * max by (deployment) (rate(fanfold_intents_total{{{D}}}[1m]))", "goals"),
            (f"60 * max by (deployment) (rate(fanfold_approvals_total{{{D}}}[1m]))", "approved"),
            (f"60 * max by (deployment) (rate(fanfold_fills_total{{{D}}}[1m]))", "fills"),
        ), "cpm"),
        Panel("Refused goals in the last minute, by reason", (
            (f"deployment_reason:fanfold_refusals:increase1m{{{D}}}", "{{reason}}"),
        )),
        Panel("Orders by state, per minute", (
            (f"60 * max by (deployment, state) (rate(fanfold_orders_total{{{D}}}[1m]))",
             "{{state}}"),
        ), "cpm"),
        Panel("Orders refused by execution or the broker, per minute", (
            (f"60 * max by (deployment, reason) (rate(fanfold_order_refusals_total{{{D}}}[1m]))",
             "{{reason}}"),
        ), "cpm"),
        Panel("Open orders", (
            (f"sum by (deployment) ({top('fanfold_open_orders', 'state')})", "open"),
            (top("fanfold_unknown_orders"), "of unknown fate"),
        )),
        Panel("Gate and feed", (
            (top("fanfold_gate_open"), "gate open"),
            (top("fanfold_feed_up"), "feed up"),
        ), kind="state-timeline"),
    ),
    "Speed": (
        Panel("p99 by stage", (
            (f"deployment_component_stage:fanfold_latency_seconds:p99_1m{{{D}}}",
             "{{component}} {{stage}}"),
        ), "s", text="Over the last minute, from buckets of powers of two."),
        Panel("p50 by stage", (
            (f"deployment_component_stage:fanfold_latency_seconds:p50_1m{{{D}}}",
             "{{component}} {{stage}}"),
        ), "s"),
        Panel("Messages a second", (
            (f"deployment_component:fanfold_messages:rate1m{{{D}}}", "{{component}}"),
        ), "mps"),
        Panel("Waiting messages", (
            (top("fanfold_backlog_messages", "component"), "{{component}}"),
        )),
        Panel("Since each component's start, 99th percentile and slowest", (
            (top("fanfold_latency_quantile_seconds", "component", "stage", "rank",
                 where=f'{D}, rank=~"0.99|1"'), "{{component}} {{stage}} {{rank}}"),
        ), "s", 24),
    ),
    "Health": (
        Panel("Components", ((top("fanfold_component_up", "component"), "{{component}}"),),
              kind="state-timeline"),
        Panel("Starts of each component", (
            (top("fanfold_component_starts", "component"), "{{component}}"),
        )),
        Panel("Reconnects, lost and unreadable messages in five minutes", (
            (f"deployment_component:fanfold_reconnects:increase5m{{{D}}}",
             "reconnects {{component}}"),
            (f"deployment_component:fanfold_lost_messages:increase5m{{{D}}}",
             "lost {{component}}"),
            ("max by (deployment, component) "
             f"(increase(fanfold_malformed_messages_total{{{D}}}[5m]))",
             "unreadable {{component}}"),
        )),
        Panel("Stale symbols", ((top("fanfold_stale_symbols"), "stale"),), width=6),
        Panel("Clock offset", ((top("fanfold_clock_offset_seconds"), "offset"),), "s", 6),
        Panel("Free disk", ((f"min by (deployment) (fanfold_disk_free_bytes{{{D}}})", "free"),),
              "bytes", 8),
        Panel("Listeners of the page", ((top("fanfold_page_listeners"), "listeners"),), width=8),
        Panel("Alerts that were not delivered", (
            (top("fanfold_undelivered_alerts_total"), "alerts"),
        ), width=8),
    ),
}  # fmt: skip

RESEARCH = {
    "Throughput": (
        Panel("Units a second", (("run:fanfold_chunk_units:rate1m", "{{run}}"),), "ops",
              text="Combinations, trials or paths, as they come back from workers."),
        Panel("Chunks a second", (("run:fanfold_chunks:rate1m", "{{run}}"),), "ops"),
        Panel("Seconds a chunk, mean", (("run:fanfold_chunk_seconds:mean1m", "{{run}}"),), "s",
              text="Chunks are cut to half a second; shorter ones cost more on their way."),
        Panel("Workers' time in chunks, in processors", (
            ("sum by (run) (rate(fanfold_chunk_busy_seconds_total[1m]))", "{{run}}"),
        ), text="Beside the processors of the cluster: how busy it is kept."),
    ),
    "Failures": (
        Panel("Chunks that raised, per minute", (
            ("60 * sum by (run) (rate(fanfold_chunk_failures_total[1m]))", "{{run}}"),
        ), "cpm", text="A combination that fails is a row and no failure; this is a fault."),
        Panel("Units so far", (("sum by (run) (fanfold_chunk_units_total)", "{{run}}"),)),
    ),
    "Cluster": (
        Panel("Processors: used and there", (
            ('sum (ray_resources{Name="CPU", State="USED"})', "used"),
            ('sum (ray_resources{Name="CPU"})', "there"),
        )),
        Panel("Nodes", (("count (count by (NodeAddress) (ray_resources))", "nodes"),)),
        Panel("Memory of nodes", (
            ("sum by (NodeAddress) (ray_node_mem_used)", "{{NodeAddress}} used"),
            ("sum by (NodeAddress) (ray_node_mem_total)", "{{NodeAddress}} there"),
        ), "bytes"),
        Panel("Object store", (
            ("sum by (Location) (ray_object_store_memory)", "{{Location}}"),
        ), "bytes"),
    ),
}  # fmt: skip

BOARDS = {
    "live": ("fanfold: live", LIVE),
    "research": ("fanfold: research", RESEARCH),
}


def board(name: str) -> dict[str, Any]:
    """A board as Grafana reads it."""
    title, rows = BOARDS[name]
    panels: list[dict[str, Any]] = []
    y = 0
    for row, content in rows.items():
        panels.append(_row(len(panels) + 1, row, y))
        y += 1
        x, height = 0, 4 if all(panel.kind == "stat" for panel in content) else 8
        for panel in content:
            if x + panel.width > COLUMNS:
                x, y = 0, y + height
            place = {"h": height, "w": panel.width, "x": x, "y": y}
            panels.append(_panel(len(panels) + 1, panel, place))
            x += panel.width
        y += height
    return {
        "uid": f"fanfold-{name}",
        "title": title,
        "tags": ["fanfold"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "graphTooltip": 1,
        "annotations": {"list": [_alerts(name)]},
        "templating": {"list": [_deployments()] if name == "live" else []},
        "panels": panels,
    }


def expressions(name: str) -> list[str]:
    """All that a board asks for."""
    return [
        expr
        for content in BOARDS[name][1].values()
        for panel in content
        for expr, _ in panel.series
    ]


def written() -> dict[Path, str]:
    """The files, and what must stand in them."""
    return {
        HERE / f"{name}.json": json.dumps(board(name), indent=1, ensure_ascii=False) + "\n"
        for name in BOARDS
    }


def _row(number: int, title: str, y: int) -> dict[str, Any]:
    place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
    return {
        "id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place,
        "panels": [],
    }  # fmt: skip


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {"textMode": "value_and_name"} if panel.title == "Status" else {},
        "targets": [
            {
                "refId": chr(ord("A") + n),
                "datasource": SOURCE,
                "expr": expr,
                "legendFormat": legend or "__auto",
            }
            for n, (expr, legend) in enumerate(panel.series)
        ],
    }


def _alerts(name: str) -> dict[str, Any]:
    where = f'{{alertstate="firing"{", " + D if name == "live" else ""}}}'
    return {
        "name": "Alerts", "datasource": SOURCE, "enable": True, "iconColor": "red",
        "expr": f"ALERTS{where}", "titleFormat": "{{alertname}}",
    }  # fmt: skip


def _deployments() -> dict[str, Any]:
    return {
        "name": "deployment", "label": "Deployment", "type": "query", "datasource": SOURCE,
        "query": {"query": "label_values(fanfold_status, deployment)", "refId": "deployment"},
        "refresh": 2, "sort": 1, "multi": False, "includeAll": False,
    }  # fmt: skip


if __name__ == "__main__":
    for file, text in written().items():
        file.write_text(text, encoding="utf-8")
    sys.exit(0)
