"""What OpenAPI says of the API is true: generated requests, with and without a token."""

from collections.abc import Generator, Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from tests.fakes.served import app_for, serving, token_of, written

from fanfold.live.folder import Folder
from fanfold.serving.limiting import Limits

APART = ("/api/v1/stream", "/readyz")
"""One never ends, the other is 503 while the deployment is down, as it is here."""

SEEN_S = 120.0
MANY = 10**6
LIMITS = Limits(reads_per_minute=MANY, acts_per_minute=MANY, strangers_per_minute=MANY)
EXAMPLES = settings(
    max_examples=2,
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return written(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def served(deployment: Folder) -> Generator[httpx.Client]:
    with serving(app_for(deployment, LIMITS)) as client:
        yield client


@pytest.fixture(scope="module")
def desk(deployment: Folder) -> dict[str, str]:
    return token_of(deployment, "desk", "trade")


def described(client: httpx.Client) -> Iterator[schemathesis.APIOperation]:
    """Every operation, but those of `APART`."""
    found = schemathesis.openapi.from_url(f"{client.base_url}api/v1/openapi.json")
    for path in APART:
        found = found.exclude(path=path)
    return (one.ok() for one in found.get_all_operations())


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_with_a_token_every_answer_is_one_that_is_described(
    served: httpx.Client, desk: dict[str, str], mode: GenerationMode
) -> None:
    @EXAMPLES
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=desk, timeout=SEEN_S)

    count = 0
    for operation in described(served):
        try:
            given(case=operation.as_strategy(generation_mode=mode))(check)()
        except Unsatisfiable:  # what takes nothing cannot be asked wrongly
            assert mode is GenerationMode.NEGATIVE
        else:
            count += 1
    assert count > 5


def test_without_a_token_nothing_private_is_answered(served: httpx.Client) -> None:
    @EXAMPLES
    def check(case: schemathesis.Case) -> None:
        answer = case.call(headers={"Authorization": "Bearer wrong"}, timeout=SEEN_S)
        case.validate_response(answer)
        assert (answer.status_code == 401) == case.path.startswith(("/api/", "/metrics"))

    for operation in described(served):
        given(case=operation.as_strategy())(check)()


def test_every_route_tells_how_it_can_be_refused(served: httpx.Client, deployment: Folder) -> None:
    told = served.get("/api/v1/openapi.json").json()
    private = {path: told["paths"][path] for path in told["paths"] if path.startswith("/api/")}
    assert len(private) > 20
    for path, methods in private.items():
        for method, route in methods.items():
            codes = {"401", "413", "421", "429"} | (
                {"403", "409", "422"} if method == "post" else set()
            )
            assert codes <= route["responses"].keys(), (method, path)
            assert route["description"], path
            assert route["security"] == [{"token": []}], path
    assert Path(deployment.path).is_dir()


def test_the_description_loads_nothing_from_elsewhere(
    served: httpx.Client, desk: dict[str, str]
) -> None:
    for path in ("/docs", "/redoc", "/api/v1/docs"):
        assert served.get(path, headers=desk).status_code == 404
    text = served.get("/api/v1/openapi.json").text
    assert "http://" not in text
    assert "https://" not in text
