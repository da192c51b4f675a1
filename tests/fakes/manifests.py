"""The manifests of the repository, read as whoever takes them reads them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from tests.fakes.kuberay import KINDS, Cluster, Job, Part, Service

REPO = Path(__file__).parents[2]
FILES = sorted(
    [
        *(REPO / "infra" / "kubernetes").glob("*.yaml"),
        *(REPO / "cluster" / "kuberay").glob("*.yaml"),
    ]
)
RESEARCH, LIVE = "fanfold-research", "fanfold-live"


class Pod(NamedTuple):
    """A pod that some object makes.

    Attributes:
        name: Of the object, and the pod's part in it.
        namespace: Where it is.
        group: "head", the name of a group of workers, or "" for what is no node of Ray.
        template: Its metadata and its spec.
    """

    name: str
    namespace: str
    group: str
    template: dict[str, Any]

    @property
    def spec(self) -> dict[str, Any]:
        return self.template["spec"]

    @property
    def labels(self) -> dict[str, str]:
        return self.template["metadata"]["labels"]


def documents() -> list[dict[str, Any]]:
    """Every object of every file."""
    return [found for file in FILES for found in yaml.safe_load_all(file.read_text("utf-8"))]


def name_of(document: dict[str, Any]) -> str:
    """What a person would call it."""
    about = document["metadata"]
    name = about.get("name") or about["generateName"]
    return f"{about.get('namespace', '')}/{document['kind']}/{name}"


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    """Objects of some kinds."""
    return [document for document in documents() if document["kind"] in kinds]


def cluster_of(document: dict[str, Any]) -> Cluster:
    """The cluster that an object of KubeRay is or makes."""
    spec: Part = KINDS[document["kind"]].model_validate(document["spec"])
    match spec:
        case Job():
            return spec.ray_cluster_spec
        case Service():
            return spec.ray_cluster_config
        case Cluster():
            return spec
        case _:
            raise AssertionError(document["kind"])


def pods() -> Iterator[Pod]:
    """Every pod that the objects make."""
    for document in documents():
        name, namespace = name_of(document), document["metadata"].get("namespace", "")
        if document["kind"] in KINDS:
            cluster = cluster_of(document)
            yield Pod(f"{name}/head", namespace, "head", cluster.head_group_spec.template)
            for group in cluster.worker_group_specs:
                yield Pod(f"{name}/{group.group_name}", namespace, group.group_name, group.template)
        elif "template" in document.get("spec", {}):
            yield Pod(name, namespace, "", document["spec"]["template"])


def strict(schema: Any) -> Any:
    """A published schema in which a field that it does not name is an error."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    free = schema.get("x-kubernetes-int-or-string")
    made = {key: strict(part) for key, part in schema.items() if not (key == "type" and free)}
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made
