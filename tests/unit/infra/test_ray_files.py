"""What Ray itself reads: the cluster of `ray up`, and the application of `serve deploy`."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.manifests import REPO, of_kind

CLOUD = REPO / "cluster" / "ray-up.yaml"
FILES = [CLOUD, REPO / "cluster" / "local.sh", REPO / "cluster" / "node.sh"]


@pytest.fixture
def cloud() -> dict[str, Any]:
    return yaml.safe_load(CLOUD.read_text(encoding="utf-8"))


def test_ray_takes_the_cluster_of_a_cloud(cloud: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(cloud))
    with pytest.raises(Exception, match="workers_max"):
        validate_config(prepare_config(cloud | {"workers_max": 3}))


def test_the_cluster_of_a_cloud_asks_for_a_token_and_shows_itself_to_nobody(
    cloud: dict[str, Any],
) -> None:
    for part in ("head", "worker"):
        (started,) = (one for one in cloud[f"{part}_start_ray_commands"] if "ray start" in one)
        assert started.startswith("RAY_AUTH_MODE=token ")
    assert "--dashboard-host=127.0.0.1" in cloud["head_start_ray_commands"][1]
    (mounted,) = cloud["file_mounts"].items()
    assert mounted == ("/var/lib/fanfold/.ray/auth_token", "~/.ray/auth_token")
    assert re.search(r":\d+\.\d+\.\d+$", cloud["docker"]["image"])
    assert "--cap-drop=ALL" in cloud["docker"]["run_options"]


def test_workers_of_a_cloud_come_and_go_on_spot_machines_and_the_head_stays(
    cloud: dict[str, Any],
) -> None:
    head, spot = (cloud["available_node_types"][name] for name in ("head", "spot"))
    assert head["resources"] == {"CPU": 0}
    assert "InstanceMarketOptions" not in head["node_config"]
    assert spot["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert spot["min_workers"] == 0
    for kind in (head, spot):
        assert kind["node_config"]["MetadataOptions"]["HttpTokens"] == "required"
        assert all(disk["Ebs"]["Encrypted"] for disk in kind["node_config"]["BlockDeviceMappings"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_way_to_start_ray_turns_its_authentication_on(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "RAY_AUTH_MODE=token" in text
    assert "RAY_AUTH_MODE=disabled" not in text
    assert re.search(r"dashboard-host=(127\.0\.0\.1|\"\$\{DASHBOARD_HOST:-127\.0\.0\.1\}\")", text)


def served() -> dict[str, dict[str, Any]]:
    """Each configuration of Ray Serve, by where it stands."""
    (service,) = of_kind("RayService")
    compose = yaml.safe_load((REPO / "infra" / "compose.yaml").read_text(encoding="utf-8"))
    texts = {
        "cluster/serve.yaml": (REPO / "cluster" / "serve.yaml").read_text(encoding="utf-8"),
        "KubeRay": service["spec"]["serveConfigV2"],
        "compose": compose["configs"]["serve"]["content"],
    }
    return {name: yaml.safe_load(text) for name, text in texts.items()}


@pytest.mark.filterwarnings("ignore:Using extra keyword arguments on `Field`")  # Ray's own
def test_serve_takes_the_same_application_wherever_it_is_deployed() -> None:
    from ray.serve.schema import ServeDeploySchema

    found = served()
    imports: set[str] = set()
    for config in found.values():
        (application,) = ServeDeploySchema.model_validate(config).applications
        assert application.name == "live"
        imports.add(application.import_path)
    assert imports == {"fanfold.workflows.live.serve:application"}
    local = {name for name in found if found[name]["http_options"]["host"] == "127.0.0.1"}
    assert local == {"cluster/serve.yaml", "KubeRay"}  # a container's is published on loopback


def test_the_application_can_be_told_what_it_is_told() -> None:
    from fanfold.settings import read_settings
    from fanfold.settings.live import LiveJob
    from fanfold.workflows.live.serve import Arguments

    for name, config in served().items():
        (application,) = config["applications"]
        asked = Arguments.model_validate(application["args"])
        file = REPO / "configs" / Path(asked.config).name
        job = read_settings(file, asked.set, LiveJob)
        assert job.live.host.hosts == "ray"
        assert not job.live.broker.real_money
        assert job.live.host.node == ("" if name == "cluster/serve.yaml" else "live")
