"""An engine's side of the conversation: questions come in, answers go out, a line each.

An engine stays up between its measurements, so that they are warm and can
alternate with those of another. It needs nothing but Python's own library.
"""

import itertools
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Space = dict[str, list[Any]]


def serve(works: Mapping[str, Callable[..., Any]]) -> None:
    """Answer until the input ends; what an engine prints goes to the error stream."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        known = {"versions": versions, "peak_megabytes": peak_megabytes, **works}
        for line in sys.stdin:
            asked = json.loads(line)
            try:
                answer = {"answer": known[asked["work"]](**asked["arguments"])}
            except Exception as error:  # the asker decides what it means
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def versions(packages: list[str]) -> dict[str, str]:
    """Installed versions, Python's included."""
    found = {"python": "{}.{}.{}".format(*sys.version_info)}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def peak_megabytes() -> float:
    """Most memory that this process has held [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call took, and what it gave."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def feasible_pairs(space: Space) -> list[tuple[int, int]]:
    """Combinations with fast below slow, in the order of a grid."""
    pairs = itertools.product(space["fast"], space["slow"])
    return [(fast, slow) for fast, slow in pairs if fast < slow]
