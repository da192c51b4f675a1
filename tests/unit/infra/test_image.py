"""The image: what is in it, and what its checks say."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.fakes.manifests import REPO

LOCK = (REPO / "requirements.lock").read_text(encoding="utf-8")
IMAGE = (REPO / "infra" / "Dockerfile").read_text(encoding="utf-8")
HEALTHY = REPO / "cluster" / "healthy.py"


@pytest.fixture(scope="module")
def needed() -> dict[str, str]:
    """What the image installs: its entries in the lock by their names."""
    script, lock = REPO / "infra" / "runtime.py", REPO / "requirements.lock"
    ran = subprocess.run([sys.executable, script, lock], capture_output=True, text=True, check=True)
    entries = re.split(r"^(?=[a-z0-9])", ran.stdout, flags=re.MULTILINE)
    return {entry.partition("==")[0]: entry for entry in entries if "==" in entry}


def test_it_holds_what_running_needs_with_everything_that_asks_for(needed: dict[str, str]) -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(line) for line in project["dependencies"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        assert name in needed
        for line in metadata.requires(name) or []:
            asked = Requirement(line)
            chosen = [{"extra": extra} for extra in extras or {""}]
            if asked.marker is None or any(asked.marker.evaluate(one) for one in chosen):
                waiting.append(asked)
    assert len(seen) > 100


def test_it_holds_nothing_that_only_tests_and_checks_need(needed: dict[str, str]) -> None:
    tools = {"pytest", "ruff", "moto", "playwright", "hypothesis", "basedpyright", "schemathesis"}
    assert not tools & set(needed)
    assert all(re.search(rf"^{tool}==", LOCK, re.MULTILINE) for tool in tools)


def test_its_versions_and_hashes_are_those_of_the_lock(needed: dict[str, str]) -> None:
    for entry in needed.values():
        assert entry in LOCK
        assert "--hash=sha256:" in entry


def test_it_runs_as_nobody_in_particular_and_holds_no_secret() -> None:
    stages = IMAGE.split("\nFROM ")
    user = re.findall(r"^USER (\S+)$", stages[-1], re.MULTILINE)
    assert user == ["10001:0"]
    assert "HEALTHCHECK" in stages[-1]
    assert not re.search(r"(TOKEN|PASSWORD|SECRET|_KEY)=", IMAGE)
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", IMAGE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm", base)


def test_every_file_that_it_copies_is_there_and_let_in() -> None:
    let_in = (REPO / "infra" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:].rstrip("/") for line in let_in if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", IMAGE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert names == allowed
    assert all((REPO / name).exists() for name in names)


class Answers(BaseHTTPRequestHandler):
    """200 at /well, 503 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def health(*addresses: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, HEALTHY, *addresses], capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stderr


def test_a_container_is_well_if_every_address_answers_200(address: str) -> None:
    assert health(f"{address}/well", f"{address}/well") == (0, "")
    assert health(f"{address}/well", f"{address}/ill")[0] == 1
    code, said = health("http://127.0.0.1:9/")
    assert code == 1
    assert said.startswith("fanfold: http://127.0.0.1:9/ must answer 200, did not")
    assert health()[0] == 2
    assert health("file:///etc/hostname")[0] == 1


NODE = REPO / "cluster" / "node.sh"


@pytest.mark.parametrize(
    ("words", "token", "said"),
    [
        (["head"], "", "RAY_AUTH_TOKEN_PATH must name a file with the cluster's token"),
        (["head"], "empty", "RAY_AUTH_TOKEN_PATH must name a file with the cluster's token"),
        (["worker"], "token", "node.sh worker must be given the head's address"),
        (["live"], "token", "node.sh live must be given the head's address"),
        (["queen"], "token", "node.sh must be told head, worker or live, was told 'queen'"),
        ([], "token", "node.sh must be told head, worker or live, was told ''"),
    ],
)
def test_no_node_starts_without_a_token_or_a_role(
    words: list[str], token: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "token").write_text("a-token", encoding="ascii")
    env = {"PATH": "/usr/bin:/bin"}
    if token:
        env["RAY_AUTH_TOKEN_PATH"] = str(tmp_path / token)
    ran = subprocess.run([NODE, *words], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert said in ran.stderr


@pytest.mark.parametrize(
    ("words", "wanted", "unwanted"),
    [
        (["head"], ["--head", "--num-cpus=0", "--dashboard-host=127.0.0.1"], ["--resources"]),
        (
            ["worker", "head:6379"],
            ["--address=head:6379"],
            ["--head", "--resources", "dashboard-host"],
        ),
        (["live", "head:6379"], ["--address=head:6379", '--resources={"live": 1}'], ["--head"]),
    ],
)
def test_a_node_is_started_with_a_token_and_fixed_ports(
    words: list[str], wanted: list[str], unwanted: list[str], tmp_path: Path
) -> None:
    shown = tmp_path / "ray"  # tells what it was called with
    shown.write_text(
        '#!/bin/sh\nenv | grep ^RAY_AUTH_MODE\nprintf "%s\\n" "$@"\n', encoding="ascii"
    )
    shown.chmod(0o700)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RAY_AUTH_TOKEN_PATH": str(shown)}
    ran = subprocess.run([NODE, *words], env=env, capture_output=True, text=True, check=True)
    said = ran.stdout.splitlines()
    assert "RAY_AUTH_MODE=token" in said
    assert {"--block", "--disable-usage-stats", "--node-manager-port=6380"} <= set(said)
    assert set(wanted) <= set(said)
    assert not any(one in line for line in said for one in unwanted)
