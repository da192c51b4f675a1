"""What the application can be told, and what it refuses before it is deployed."""

from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import ConfigError
from fanfold.workflows.live import page_process, up_process
from fanfold.workflows.live.serve import application

CONFIG = Path(__file__).parents[4] / "configs" / "live_paper.yaml"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "must name a config or a deployment, were none"),
        ({"config": "a.yaml", "deployment": "demo"}, "were config, deployment"),
        ({"deployment": "../x"}, "deployment"),
        ({"deployment": "demo", "url": "http://127.0.0.1:8000"}, "url"),
        ({"deployment": "demo", "port": 1}, "port"),
        ({"config": "not/there.yaml"}, "not/there.yaml is not there"),
        ({"config": str(CONFIG), "set": ["live.page.colour=1"]}, "colour"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_a_reason(
    arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        application(arguments)


@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")  # Ray's own
def test_the_application_has_one_replica_on_the_node_that_is_named() -> None:
    made = application({"config": str(CONFIG), "set": ["live.host.node=live"]})
    deployment = made._bound_deployment
    assert deployment.num_replicas == 1
    assert deployment.ray_actor_options["num_cpus"] == 0
    assert deployment.ray_actor_options["resources"] == {"live": 0.01}


def test_processes_that_are_called_wrongly_say_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert page_process.main(["x", "nowhere", "127.0.0.1", "1", ""]) == 2
    assert up_process.main(["x", str(CONFIG)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[:3] for line in said] == [["usage:", "python", "-m"]] * 2
    assert up_process.main(["x", "not/there.yaml", "127.0.0.1:1"]) == 1
    assert "not/there.yaml is not there" in capsys.readouterr().err
