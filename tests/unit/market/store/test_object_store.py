import socket
import time
from collections.abc import Iterator

import pytest
from tests.fakes.tape import DAY_NS, made_bars

from fanfold.errors import DataError
from fanfold.market.store import Series, Store, numbers, place

AAPL = Series(kind="bars", symbol="BTC/USD", timeframe="1D")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "testing")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            host, port = server.get_host_and_port()
            query = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
            yield f"s3://tape/market?{query}&allow_bucket_creation=true"
        finally:
            server.stop()


def test_a_store_in_a_bucket_is_a_store(bucket: str) -> None:
    import pyarrow.fs

    system, _ = pyarrow.fs.FileSystem.from_uri(bucket)
    system.create_dir("tape")
    store = Store.at(bucket)
    assert not store.exists
    store.upsert(AAPL, made_bars(range(5)), labels={"basis": "raw"})
    change = store.upsert(AAPL, made_bars([4, 5], close=[40, 5]), labels={"basis": "raw"})
    assert (change.added, change.revised) == (1, 1)
    (info,) = Store.at(bucket).list()
    assert (info.row_count, info.last, info.labels) == (6, 5 * DAY_NS, {"basis": "raw"})
    read = Store.at(bucket).read(AAPL, 3 * DAY_NS, 5 * DAY_NS, columns=["close"])
    assert numbers(read, "close").tolist() == [3, 40]
    store.remove(AAPL)
    with pytest.raises(DataError, match=r"s3://tape/market must hold bars 1D BTC/USD"):
        store.read(AAPL)


def test_a_server_that_never_answers_is_given_up(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "ATTEMPTS_MAX", 1)
    monkeypatch.setattr(place, "SILENT_SECONDS_MAX", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        query = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        began = time.monotonic()
        with pytest.raises(DataError, match=r"s3://tape/market/store.json must be readable"):
            _ = Store.at(f"s3://tape/market?{query}").exists
    assert time.monotonic() - began < 60  # not the minutes of the client's own patience
