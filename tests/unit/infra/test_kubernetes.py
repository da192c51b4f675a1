"""The Kubernetes manifests: as the published schemas want them, and as careful people do."""

import json
import os
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from tests.fakes.kuberay import KINDS
from tests.fakes.manifests import (
    LIVE,
    REPO,
    RESEARCH,
    Pod,
    cluster_of,
    documents,
    name_of,
    of_kind,
    pods,
    strict,
)

KUBERNETES = "1.37"
RAYS = of_kind(*KINDS)
PODS = list(pods())
SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|_KEY|WEBHOOK")
SPOT = "fanfold/spot"


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """The operator's own schemas; skips where there are none."""
    default = REPO.parent / "shared" / "kuberay"
    folder = Path(os.environ.get("FANFOLD_KUBERAY_SCHEMAS", default))
    if not folder.is_dir():
        pytest.skip(f"no schemas in {folder}; FANFOLD_KUBERAY_SCHEMAS names the folder")
    found: dict[str, Any] = {}
    for kind in KINDS:
        schema = strict(json.loads((folder / f"{kind.lower()}s.v1.schema.json").read_bytes()))
        schema["properties"]["metadata"] = {"type": "object"}
        found[kind] = Draft202012Validator(schema)
    return found


def problems(validator: Any, document: dict[str, Any]) -> list[str]:
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)]


def test_there_are_all_kinds_that_a_cluster_takes() -> None:
    kinds = {document["kind"] for document in documents()}
    assert kinds >= {
        "RayCluster", "RayJob", "RayService", "NetworkPolicy", "PodDisruptionBudget",
        "PersistentVolumeClaim", "ServiceAccount", "Namespace", "StatefulSet",
    }  # fmt: skip


@pytest.mark.parametrize(
    "document", [one for one in documents() if one["kind"] not in KINDS], ids=name_of
)
def test_kubernetes_takes_its_own_kinds(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod.name)
def test_kubernetes_takes_the_pods_of_all_kinds(pod: Pod) -> None:
    about = {"name": "pod", **pod.template["metadata"]}
    whole = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": pod.spec}
    kubernetes_validate.validate(whole, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", RAYS, ids=name_of)
def test_the_operator_takes_its_kinds(document: dict[str, Any]) -> None:
    assert document["apiVersion"] == "ray.io/v1"
    KINDS[document["kind"]].model_validate(document["spec"])


def test_a_misspelt_field_would_be_found() -> None:
    spec = dict(of_kind("RayCluster")[0]["spec"])
    spec["workerGroupSpec"] = spec.pop("workerGroupSpecs")
    with pytest.raises(ValidationError, match="workerGroupSpec"):
        KINDS["RayCluster"].model_validate(spec)


@pytest.mark.parametrize("document", RAYS, ids=name_of)
def test_the_operators_published_schema_takes_its_kinds(
    published: dict[str, Any], document: dict[str, Any]
) -> None:
    assert problems(published[document["kind"]], document) == []
    assert problems(published[document["kind"]], {**document, "spce": {}}) != []


@pytest.mark.parametrize("document", RAYS, ids=name_of)
def test_every_cluster_asks_for_a_token_that_is_named_and_not_written(
    document: dict[str, Any],
) -> None:
    cluster = cluster_of(document)
    assert cluster.auth_options.mode == "token"
    namespace = document["metadata"]["namespace"]
    assert cluster.auth_options.secret_name == f"{namespace}-token"
    assert cluster.ray_version == locked("ray")


def test_no_manifest_holds_a_secret() -> None:
    assert of_kind("Secret") == []
    found = [(env, pod.name) for pod in PODS for one in containers(pod) for env in one["env"]]
    asked = [(env, name) for env, name in found if SECRET.search(env["name"])]
    assert len(asked) >= 5
    for env, name in asked:
        assert set(env) == {"name", "valueFrom"}, (env["name"], name)
        assert set(env["valueFrom"]) == {"secretKeyRef"}, (env["name"], name)


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod.name)
def test_no_pod_has_a_right_that_it_does_not_need(pod: Pod) -> None:
    whole = pod.spec["securityContext"]
    assert whole["runAsNonRoot"]
    assert whole["runAsUser"] > 0
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec)
    assert not any("hostPath" in volume for volume in pod.spec.get("volumes", []))
    for one in containers(pod):
        rights = one["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert set(one["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in one["resources"]["limits"]
        assert re.search(r":\d+\.\d+\.\d+[\w.-]*$", one["image"]), one["image"]
        assert {"readinessProbe", "livenessProbe"} <= set(one)


def test_only_the_head_that_scales_may_ask_kubernetes_for_anything() -> None:
    for pod in PODS:
        scales = pod.namespace == RESEARCH and pod.group == "head"
        assert pod.spec.get("automountServiceAccountToken", True) is scales, pod.name


def test_live_trading_is_on_no_spot_machine_and_there_is_one_of_it() -> None:
    live = [pod for pod in PODS if pod.namespace == LIVE]
    assert {pod.group for pod in live} == {"head", "live", ""}
    for pod in live:
        assert may_not_be_on_spot(pod), pod.name
        assert pod.spec["priorityClassName"] == "fanfold-live"
    (service,) = of_kind("RayService")
    assert service["spec"]["upgradeStrategy"] == {"type": "None"}  # never two side by side
    (group,) = cluster_of(service).worker_group_specs
    assert (group.replicas, group.min_replicas, group.max_replicas) == (1, 1, 1)
    assert group.resources["live"] == "1"
    assert not cluster_of(service).enable_in_tree_autoscaling
    nodes = [pod for pod in live if pod.group]
    for pod in nodes:
        (apart,) = pod.spec["affinity"]["podAntiAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert apart["topologyKey"] == "kubernetes.io/hostname"
        wanted = apart["labelSelector"]["matchLabels"]
        assert all(wanted.items() <= other.labels.items() for other in nodes)


def test_a_head_that_is_lost_finds_what_it_knew() -> None:
    (service,) = of_kind("RayService")
    kept = cluster_of(service).gcs_fault_tolerance_options
    assert kept is not None
    assert kept.redis_address == "redis:6379"
    (redis,) = (one for one in of_kind("StatefulSet") if one["metadata"]["namespace"] == LIVE)
    (env,) = redis["spec"]["template"]["spec"]["containers"][0]["env"]
    assert (
        env["valueFrom"]["secretKeyRef"]
        == kept.redis_password.value_from.secret_key_ref.model_dump()
    )


def test_research_grows_on_spot_machines_but_its_heads_are_on_none() -> None:
    for document in of_kind("RayCluster", "RayJob"):
        cluster = cluster_of(document)
        assert cluster.enable_in_tree_autoscaling
        groups = {group.group_name: group for group in cluster.worker_group_specs}
        assert groups["spot"].min_replicas == 0
        assert groups["spot"].max_replicas > groups["spot"].replicas
        (tolerated,) = groups["spot"].template["spec"]["tolerations"]
        assert tolerated["key"] == SPOT
        assert cluster.head_group_spec.ray_start_params["num-cpus"] == "0"
    heads = [pod for pod in PODS if pod.namespace == RESEARCH and pod.group == "head"]
    assert all(may_not_be_on_spot(pod) for pod in heads)


@pytest.mark.parametrize("namespace", [RESEARCH, LIVE])
def test_nobody_speaks_to_anybody_but_by_name(namespace: str) -> None:
    policies = [
        one["spec"] for one in of_kind("NetworkPolicy") if one["metadata"]["namespace"] == namespace
    ]
    both = ["Ingress", "Egress"]
    assert {"podSelector": {}, "policyTypes": both} in policies
    here = [pod.labels for pod in PODS if pod.namespace == namespace]
    for policy in policies:
        selected = policy["podSelector"].get("matchLabels", {})
        assert any(selected.items() <= labels.items() for labels in here), policy
        for ingress in policy.get("ingress", []):
            assert ingress["from"]  # never anybody
            for peer in ingress["from"]:
                rooms = peer.get("namespaceSelector", {}).get("matchLabels", {})
                assert not rooms or set(rooms.values()) <= {"kuberay-system", "monitoring"}
    other = LIVE if namespace == RESEARCH else RESEARCH
    assert other not in json.dumps(policies)


def test_what_trades_is_moved_by_nobody_but_a_person() -> None:
    budgets = of_kind("PodDisruptionBudget")
    for budget in budgets:
        assert budget["spec"]["maxUnavailable"] == 0
        wanted = budget["spec"]["selector"]["matchLabels"]
        namespace = budget["metadata"]["namespace"]
        assert any(
            wanted.items() <= pod.labels.items() for pod in PODS if pod.namespace == namespace
        )


def test_every_volume_that_is_claimed_is_there() -> None:
    there = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in of_kind("PersistentVolumeClaim")
    }
    claimed = {
        (pod.namespace, volume["persistentVolumeClaim"]["claimName"])
        for pod in PODS
        for volume in pod.spec.get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    assert claimed == there


def test_the_page_on_a_cluster_is_reached_through_a_pods_loopback_address_alone() -> None:
    (service,) = of_kind("RayService")
    config = yaml.safe_load(service["spec"]["serveConfigV2"])
    assert config["http_options"]["host"] == "127.0.0.1"
    (application,) = config["applications"]
    assert "live.host.node=live" in application["args"]["set"]


def containers(pod: Pod) -> list[dict[str, Any]]:
    return pod.spec["containers"]


def may_not_be_on_spot(pod: Pod) -> bool:
    if any(one.get("key") == SPOT for one in pod.spec.get("tolerations", [])):
        return False
    required = pod.spec["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    refused = {"key": "fanfold/capacity", "operator": "NotIn", "values": ["spot"]}
    return all(refused in term["matchExpressions"] for term in required["nodeSelectorTerms"])


def locked(package: str) -> str:
    """Version of a package in the lock: the image has no other."""
    lock = (REPO / "requirements.lock").read_text(encoding="utf-8")
    (version,) = re.findall(rf"^{package}==(\S+)", lock, re.MULTILINE)
    return version
