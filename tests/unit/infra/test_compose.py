"""The compose file: nobody is root, nothing is published, no secret stands in it."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.manifests import REPO

FOLDER = REPO / "infra"
FILE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|_KEY")
RESEARCH = {"head", "worker", "mlflow", "postgres"}
LIVE = {"live-head", "live", "deploy", "redis", "venue"}
WATCH = {"prometheus", "grafana"}

each_service = pytest.mark.parametrize("name", SERVICES)


def test_all_parts_are_there() -> None:
    assert set(SERVICES) == RESEARCH | LIVE | WATCH


@each_service
def test_no_container_has_a_right_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "pid", "ipc", "network_mode", "devices"} & set(service)
    assert not re.match(r"(root|0)?(:|$)", default_of(service["user"]))
    assert "docker.sock" not in str(service.get("volumes", []))


@each_service
def test_every_container_is_bounded_and_asked_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "test" in service["healthcheck"] or name == "deploy"  # that one ends by itself


@each_service
def test_every_image_has_an_exact_tag(name: str) -> None:
    image = default_of(SERVICES[name]["image"])
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", image), image


@each_service
def test_what_is_published_is_on_the_loopback_address(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


def test_nothing_but_what_people_look_at_is_published() -> None:
    assert {name for name in SERVICES if "ports" in SERVICES[name]} == {
        "head", "live-head", "mlflow", "grafana",
    }  # fmt: skip


@each_service
def test_secrets_are_files_that_stand_elsewhere(name: str) -> None:
    service = SERVICES[name]
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable):
            assert value.startswith("/run/secrets/"), variable
            assert Path(value).name in service["secrets"]
    used = re.findall(r"/run/secrets/(\w+)", str(service))
    assert set(used) == set(service.get("secrets", []))


def test_the_secrets_are_made_and_never_kept_by_git() -> None:
    files = {name: secret["file"] for name, secret in FILE["secrets"].items()}
    assert {Path(file).name for file in files.values()} == set(files)
    assert all(file.startswith("${SECRETS:-./compose/secrets}/") for file in files.values())
    assert "/infra/compose/secrets/" in (REPO / ".gitignore").read_text(encoding="utf-8")


def test_research_and_live_trading_share_no_network_and_no_token() -> None:
    research, live = (union("networks", names) for names in (RESEARCH, LIVE))
    assert research & live == set()
    assert union("secrets", RESEARCH) & union("secrets", LIVE) == set()
    holders = {name for name in SERVICES if "broker_keys" in SERVICES[name].get("secrets", [])}
    assert holders == {"live"}


def test_only_what_must_reaches_the_world_outside() -> None:
    closed = {name for name, one in FILE["networks"].items() if one.get("internal")}
    reaches = {name for name in SERVICES if set(SERVICES[name]["networks"]) - closed}
    assert reaches == {"head", "mlflow", "live-head", "live", "grafana"}


def test_every_node_of_ray_has_a_token_and_none_turns_it_off() -> None:
    nodes = [one for one in SERVICES.values() if "cluster/node.sh" in one.get("command", [])]
    assert len(nodes) == 4
    for service in nodes:
        assert service["environment"]["RAY_AUTH_TOKEN_PATH"].endswith("_token")
    assert "RAY_AUTH_MODE" not in (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    image = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    assert "RAY_AUTH_MODE=token" in image


def test_the_live_head_can_be_lost_and_the_deployment_is_on_the_other_node() -> None:
    head, live = SERVICES["live-head"], SERVICES["live"]
    assert head["environment"]["RAY_REDIS_ADDRESS"] == "redis:6379"
    assert live["command"][:2] == ["cluster/node.sh", "live"]
    assert int(live["environment"]["RAY_gcs_rpc_server_reconnect_timeout_s"]) >= 600
    served = yaml.safe_load(FILE["configs"]["serve"]["content"])
    assert "live.host.node=live" in served["applications"][0]["args"]["set"]


def test_the_secrets_that_are_made_are_hard_to_guess_and_stay(tmp_path: Path) -> None:
    script = shutil.copy(FOLDER / "compose" / "secrets.sh", tmp_path)
    subprocess.run([script], check=True, capture_output=True)
    folder = tmp_path / "secrets"
    made = {file.name: file.read_text(encoding="ascii") for file in folder.iterdir()}
    assert set(made) == set(FILE["secrets"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "broker_keys").stat().st_mode) == 0o400
    tokens = [made[name] for name in made if name.endswith(("token", "password"))]
    assert len(set(tokens)) == len(tokens) == 5
    assert all(re.fullmatch(r"[0-9a-f]{48}", token) for token in tokens)
    subprocess.run([script], check=True, capture_output=True)
    assert made == {file.name: file.read_text(encoding="ascii") for file in folder.iterdir()}


def test_the_venue_takes_the_settings_that_are_made_with_the_keys_that_live_has(
    tmp_path: Path,
) -> None:
    from fanfold.venue.settings import VenueSettings

    script = shutil.copy(FOLDER / "compose" / "secrets.sh", tmp_path)
    subprocess.run([script], check=True, capture_output=True)
    written = (tmp_path / "secrets" / "venue_settings").read_text(encoding="ascii")
    settings = VenueSettings.model_validate(yaml.safe_load(written))
    keys = (tmp_path / "secrets" / "broker_keys").read_text(encoding="ascii")
    (account,) = settings.accounts
    assert keys.splitlines() == [
        f"APCA_API_KEY_ID={account.key}",
        f"APCA_API_SECRET_KEY={account.secret.get_secret_value()}",
    ]


def default_of(text: str) -> str:
    """A value with every ${NAME:-DEFAULT} as its default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def union(field: str, names: set[str]) -> set[str]:
    return {value for name in names for value in SERVICES[name].get(field, [])}
