"""Starting and ending Ray Serve with one application, on the cluster that this process is in."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from fanfold.errors import JobError

ANSWER_S: Final = 30.0
"""How long Serve's controller may take to answer on a busy machine [s]."""

_POLL_S: Final = 0.1

_CONTROLLER: Final = "SERVE_CONTROLLER_ACTOR"
_NAMESPACE: Final = "serve"


def serves_at() -> str:
    """Address at which Ray Serve listens on the cluster, "" where it does not run."""
    import ray as untyped

    ray: Any = untyped
    try:
        controller = ray.get_actor(_CONTROLLER, namespace=_NAMESPACE)
        return str(ray.get(controller.get_root_url.remote(), timeout=ANSWER_S))
    except ValueError:
        return ""
    except ray.exceptions.RayError as error:
        raise JobError(f"Ray Serve's controller must answer, did not: {error}") from error


def start(application: Any, name: str, route: str, *, host: str, port: int) -> None:
    """Start Ray Serve where it does not run, and an application on it; it comes up meanwhile.

    Args:
        application: As `fanfold.serving.application.build` makes it.
        name: Its name; one that is there is replaced.
        route: What its paths begin with.
        host: Where HTTP listens, if it does not yet.
        port: Its port.

    Raises:
        JobError: Ray Serve does not start, or refuses the application.
    """
    serve = _serve()
    target = serve.RunTarget(application, name=name, route_prefix=route)
    options = {"host": host, "port": port}
    try:
        # It returns once its proxy listens, some seconds in which the replica can start too.
        with ThreadPoolExecutor(1) as beside:
            begun = beside.submit(serve.start, proxy_location="HeadOnly", http_options=options)
            while not begun.done() and not _has_controller():
                time.sleep(_POLL_S)
            serve.run_many(
                [target],
                wait_for_ingress_deployment_creation=False,
                wait_for_applications_running=False,
            )
            begun.result()
    except Exception as error:  # Ray raises whatever went wrong in any of its processes
        raise JobError(f"Ray Serve must start, did not: {error}") from error


def end(name: str, *, alone: bool) -> None:
    """End an application; Ray Serve as well where it runs for nothing else.

    Raises:
        JobError: Ray Serve does not end it.
    """
    serve = _serve()
    try:
        if alone and set(serve.status().applications) <= {name}:
            serve.shutdown()
        else:
            serve.delete(name)
    except Exception as error:  # as above
        raise JobError(f"Ray Serve must end {name}, did not: {error}") from error


def _has_controller() -> bool:
    import ray as untyped

    ray: Any = untyped
    try:
        ray.get_actor(_CONTROLLER, namespace=_NAMESPACE)
    except ValueError:
        return False
    return True


def load() -> None:
    """Load Ray Serve, which takes seconds: while there is nothing else to do."""
    _serve()


def _serve() -> Any:
    """Ray Serve, without pandas: it would only learn to write frames, for two more seconds."""
    was_there = "pandas" in sys.modules
    if not was_there:
        sys.modules["pandas"] = None  # pyright: ignore[reportArgumentType]  (what import refuses)
    try:
        from ray import serve as untyped
    finally:
        if not was_there:
            del sys.modules["pandas"]
    return untyped
