from typing import Any

import pytest

from fanfold.alpaca import complaint, may_pass, plainly
from fanfold.errors import ConfigError, DataError, FanfoldError, SourceError

pytestmark = pytest.mark.filterwarnings("ignore:websockets.legacy is deprecated")


def refused(status: int, body: str) -> Exception:
    """What the client library raises for an answer."""
    import requests
    from alpaca.common.exceptions import APIError

    response = requests.Response()
    response.status_code, response._content = status, body.encode()
    return APIError(body, requests.HTTPError(response=response))


def told(error: Exception) -> FanfoldError:
    return complaint(error, asked="1min bars of AAPL", feed="sip", url="http://here")


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (
            401,
            '{"message":"unauthorized."}',
            ConfigError,
            "set APCA_API_KEY_ID and APCA_API",
        ),
        (
            401,
            "<html><h1>401 Authorization\nRequired</h1></html>",
            ConfigError,
            "Authorization Re",
        ),
        (403, '{"message":"forbidden."}', ConfigError, "must accept the keys"),
        (
            403,
            '{"message":"subscription does not permit querying recent SIP data"}',
            ConfigError,
            "feed sip to ask for 1min bars of AAPL: use feed iex, or end at least 15 minutes",
        ),
        (400, '{"message":"invalid symbol: @"}', DataError, "invalid symbol: @"),
        (422, '{"code":42210000,"message":"asset \\"X\\" not found"}', DataError, 'asset "X" not'),
        (400, '{"message":"invalid limit"}', ConfigError, "http://here must take the request"),
        (404, "<html>nginx</html>", ConfigError, "http://here must take the request"),
        (429, '{"message":"too many requests."}', SourceError, "too many requests"),
        (500, "", SourceError, "status 500 (Internal Server Error)"),
        (599, "odd", SourceError, "status 599 (unknown): odd"),
    ],
)
def test_each_refusal_has_one_meaning(
    status: int, body: str, kind: type[FanfoldError], says: str
) -> None:
    error = told(refused(status, body))
    assert type(error) is kind
    assert says in str(error)
    assert "\n" not in str(error)


def test_only_what_may_be_answered_otherwise_a_moment_later_passes() -> None:
    passing = {408, 425, 429, 500, 502, 503, 504}
    asked = [400, 401, 403, 404, 405, 422, 501, *passing]
    assert {status for status in asked if may_pass(refused(status, "<html>"))} == passing


def test_a_page_of_html_is_told_by_its_text_alone() -> None:
    page = "<html><head><title>no</title></head><body><h1>Bad\n Gateway</h1>" + "x" * 999
    assert plainly(refused(502, page)).startswith("status 502 (Bad Gateway): Bad Gateway xxx")
    assert len(plainly(refused(502, page))) < 300


@pytest.mark.parametrize("body", ['{"code": 1}', "[1]", '{"message": null}', "null", "{"])
def test_any_body_can_be_told(body: str) -> None:
    assert plainly(refused(503, body)).startswith("status 503 (Service Unavailable)")


def test_a_lost_connection_passes_and_a_false_certificate_does_not() -> None:
    import requests

    lost: list[Any] = [requests.ConnectionError("x"), requests.ReadTimeout("x")]
    assert all(may_pass(error) for error in lost)
    assert not may_pass(requests.exceptions.SSLError("x"))
    assert not may_pass(ValueError("x"))
    assert isinstance(told(requests.exceptions.SSLError("certificate expired")), SourceError)
    assert "certificate expired" in str(told(requests.exceptions.SSLError("certificate expired")))
