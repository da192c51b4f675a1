"""Debian's Prometheus over a running paper session: boards, rules, alerts, the webhook."""

import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from tests.integration.test_live_command import Command, command

from fanfold.distributed.throughput import COUNTERS
from fanfold.serving.alerts import RULES, WEBHOOK_VARIABLE
from fanfold.serving.alerts.alarms import RUNBOOK
from fanfold.serving.metrics import METRICS
from fanfold.workflows.live.traced import trace_of

__all__ = ["command"]  # the fixture

REPO = Path(__file__).parents[2]
INFRA = REPO / "infra" / "prometheus"
SEEN_S = 120.0
FAULTS = re.compile(r"refus|expect|lost|malformed|undelivered")
"""What a session that is well, and young, may have nothing to say of."""

needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="no Prometheus on this machine: infra/system.sh prometheus installs Debian's",
)
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def loaded(file: Path) -> ModuleType:
    """A script of infra/, as a module."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


boards = loaded(REPO / "infra" / "grafana" / "boards.py")


def promtool(*words: str | Path) -> None:
    ran = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def rules() -> Iterator[dict[str, Any]]:
    for file in INFRA.glob("*.rules.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


@needs_prometheus
def test_configuration_and_rules_are_sound_and_each_alert_fires(tmp_path: Path) -> None:
    for file in INFRA.glob("*.yml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "page.token").write_text("made up")
    promtool("check", "config", tmp_path / "prometheus.yml")
    promtool("check", "rules", *INFRA.glob("*.rules.yml"))
    promtool("test", "rules", INFRA / "alerts.test.yml")


def test_each_alert_is_tried_and_says_what_to_do() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    names = {rule["alert"] for rule in alerts}
    tried = {
        re.split(":", case["name"])[0]
        for case in yaml.safe_load((INFRA / "alerts.test.yml").read_text())["tests"]
    }
    headings = set(re.findall(r"^## (\w+)$", (REPO / RUNBOOK).read_text(), re.MULTILINE))
    assert names <= tried
    assert names == headings
    assert {rule.name for rule in RULES} <= names
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"{RUNBOOK}#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"]["summary"]
    by_name = {rule["alert"]: rule["labels"]["severity"] for rule in alerts}
    assert all(by_name[rule.name] == rule.severity for rule in RULES)


def test_rules_and_boards_ask_for_what_there_is() -> None:
    known = {*COUNTERS, *(metric.name for metric in METRICS)}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = [rule["expr"] for rule in rules()]
    asked += [expr for name in boards.BOARDS for expr in boards.expressions(name)]
    for expr in asked:
        for name in re.findall(r"(?<![:\w])fanfold_\w+(?!:)", expr):
            base = re.sub(r"_(total|bucket|sum|count)$", "", name)
            assert {name, base} & known, (name, expr)
        for name in re.findall(r"\w+:fanfold_\w+:\w+", expr):
            assert name in recorded, (name, expr)


def test_the_boards_are_those_of_their_tables() -> None:
    for file, text in boards.written().items():
        assert file.read_text() == text, "run python infra/grafana/boards.py"


@dataclass
class Watching:
    """A Prometheus, and a webhook's other side."""

    port: int
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def ask(self, expr: str) -> list[Any]:
        query = urllib.parse.urlencode({"query": expr})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}") as asked:
            return json.load(asked)["data"]["result"]

    def until(self, holds: Callable[[], bool], why: Callable[[], object]) -> None:
        limit = time.monotonic() + SEEN_S
        while not holds():
            assert time.monotonic() < limit, why()
            time.sleep(0.5)

    def firing(self) -> set[str]:
        return {one["metric"]["alertname"] for one in self.ask('ALERTS{alertstate="firing"}')}

    def silent(self) -> list[str]:
        """Expressions of the live board that return nothing."""
        asked = [expr.replace("$deployment", "demo") for expr in boards.expressions("live")]
        return [expr for expr in asked if not FAULTS.search(expr) and not self.ask(expr)]


@contextmanager
def webhook(events: list[dict[str, Any]]) -> Generator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a-secret"
        server.shutdown()


@contextmanager
def prometheus(place: Path, port: int) -> Generator[None]:
    """Prometheus over what `make watch` writes."""
    script = INFRA / "watch.py"
    subprocess.run([sys.executable, script, "--write", "--folder", place], check=True)
    watch = loaded(script)
    with (place / "log").open("w") as log:
        running = subprocess.Popen(watch.command(place, port), stdout=log, stderr=log)
        try:
            ready(port, place / "log")
            yield
        finally:
            running.terminate()
            running.wait(30)


def ready(port: int, log: Path) -> None:
    limit = time.monotonic() + SEEN_S
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready").close()
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.1)
        else:
            return


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def watching(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watching]:
    made = Watching(free_port())
    with webhook(made.events) as url:
        monkeypatch.setenv(WEBHOOK_VARIABLE, url)
        up = command.up()
        assert up["page"] == "up", up
        with prometheus(tmp_path / "prometheus", made.port):
            yield made


@needs_prometheus
def test_boards_alerts_and_traces_of_a_running_session(
    command: Command, watching: Watching
) -> None:
    found = command.until(lambda found: found["statistics"]["execution"]["counts"].get("fills"))
    assert found["status"] == "up"
    watching.until(lambda: not watching.silent(), watching.silent)
    assert watching.ask('up{job="page"} == 1')
    traced(command, found)

    command.run("kill", "--reason", "a test")
    watching.until(lambda: "Halted" in watching.firing(), watching.firing)
    watching.until(lambda: "Halted" in [one["alert"] for one in watching.events], lambda: "told")
    told = next(one for one in watching.events if one["alert"] == "Halted")
    assert (told["status"], told["severity"], told["subject"]) == ("firing", "page", "kill")
    assert "a test" in told["summary"]
    for file in (command.folder.path / "logs").iterdir():
        assert "a-secret" not in file.read_text(errors="replace"), file


def traced(command: Command, found: dict[str, Any]) -> None:
    """One id leads from a tick to its fill, through all four components."""
    lines = (command.folder.logs / "execution.trace.jsonl").read_text().splitlines()
    filled = next(line for line in map(json.loads, lines) if line["text"] == "filled")
    whole = command.run("trace", filled["order"], "--deployment", found["deployment"])
    assert whole["trace"] == filled["trace"]
    taken = [(step["by"], step["step"], step["from"]) for step in whole["steps"]]
    for step in (
        ("market_data", "bar", "log"),
        ("market_data", "bar", "tape"),
        ("signal", "decided", "log"),
        ("risk", "judged", "log"),
        ("execution", "made", "journal"),
        ("execution", "sent", "log"),
        ("execution", "fill", "journal"),
    ):
        assert step in taken
    instants = [step["at"] for step in whole["steps"] if step["step"] != "told"]
    assert instants == sorted(instants)
    decided, sent, fill = (
        next(step["at"] for step in whole["steps"] if step["step"] == name)
        for name in ("decided", "sent", "fill")
    )
    assert decided < sent < fill
    by_id = trace_of(command.folder, filled["trace"][:10])
    assert by_id["orders"] == whole["orders"]
    command.run("trace", "ff-none", code=2)
