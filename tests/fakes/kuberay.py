"""The fields of KubeRay's kinds that the manifests use, as ray.io/v1 of operator 1.7 has them.

Written by hand from the published definitions, and strict: a field that is misspelt here or
there is refused. Pods inside are checked as pods, by the published schema of Kubernetes.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """A part of a manifest, without fields that nobody knows."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Auth(Part):
    mode: Literal["token"]
    secret_name: str


class Resources(Part):
    requests: dict[str, str | int]
    limits: dict[str, str | int]


class Autoscaler(Part):
    version: Literal["v2"]
    upscaling_mode: Literal["Default", "Aggressive", "Conservative"]
    idle_timeout_seconds: int
    resources: Resources
    security_context: dict[str, Any]


class SecretKey(Part):
    name: str
    key: str


class FromSecret(Part):
    secret_key_ref: SecretKey


class Password(Part):
    value_from: FromSecret


class FaultTolerance(Part):
    backend: Literal["redis"]
    redis_address: str
    redis_password: Password
    external_storage_namespace: str


class Head(Part):
    service_type: Literal["ClusterIP"]
    ray_start_params: dict[str, str]
    template: dict[str, Any]


class Workers(Part):
    group_name: str
    replicas: int
    min_replicas: int
    max_replicas: int
    ray_start_params: dict[str, str]
    resources: dict[str, str] = {}
    template: dict[str, Any]


class Cluster(Part):
    ray_version: str
    auth_options: Auth
    enable_in_tree_autoscaling: bool = False
    autoscaler_options: Autoscaler | None = None
    gcs_fault_tolerance_options: FaultTolerance | None = None
    head_group_spec: Head
    worker_group_specs: list[Workers]


class Job(Part):
    entrypoint: str
    submission_mode: Literal["K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"]
    shutdown_after_job_finishes: bool
    ttl_seconds_after_finished: int
    active_deadline_seconds: int
    backoff_limit: int
    ray_cluster_spec: Cluster


class Upgrade(Part):
    type: Literal["NewCluster", "NewClusterWithIncrementalUpgrade", "None"]


class Service(Part):
    upgrade_strategy: Upgrade
    service_unhealthy_second_threshold: int
    deployment_unhealthy_second_threshold: int
    serve_config_v2: str
    ray_cluster_config: Cluster


KINDS: dict[str, type[Part]] = {"RayCluster": Cluster, "RayJob": Job, "RayService": Service}
