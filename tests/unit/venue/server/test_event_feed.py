import json
from typing import Any

import aiohttp
import pytest
from tests.fakes.venue_lines import HEADERS, run
from tests.fakes.venue_streams import StreamFloor, event, told, until


def test_events_are_replayed_and_then_told_without_a_gap() -> None:
    async def story(floor: StreamFloor, address: str) -> None:
        floor.journal.all = [event(seq) for seq in range(1, 1_203)]
        url = f"http://{address}/v2/events/trades?since_id=0"
        async with (
            aiohttp.ClientSession(headers=HEADERS) as session,
            session.get(url) as response,
        ):
            assert response.content_type == "text/event-stream"
            seen = [await event_line(response) for _ in range(1_202)]
            await until(lambda: floor.hub._watchers["account-1"])
            floor.hub.tell([event(1_203)])
            seen.append(await event_line(response))
            times = [one["timestamp"] for one in seen]
            assert times == [told(event(seq))["timestamp"] for seq in range(1, 1_204)]
            assert [one["event_id"] for one in seen] == sorted({one["event_id"] for one in seen})
            after = f"{url[:-1]}{seen[4]['event_id']}&until_id={seen[6]['event_id']}"
            async with session.get(after) as rest:
                lines = (await rest.text()).strip().split("\n\n")
            assert [json.loads(one[6:])["event_id"] for one in lines] == [
                seen[5]["event_id"],
                seen[6]["event_id"],
            ]
        await until(lambda: not floor.hub.clients)

    run(story)


async def event_line(response: aiohttp.ClientResponse) -> dict[str, Any]:
    text = await response.content.readuntil(b"\n\n")
    return json.loads(text.removeprefix(b"data: "))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("since=yesterday", 422),
        ("until=2024-01-02", 422),
        ("since_id=!", 422),
        ("since=2024-01-02&since_id=1", 422),
        ("since=2024-01-02&until=2024-01-03T00:00:00Z", 200),
    ],
)
def test_a_feed_of_events_is_of_a_span_that_can_be(query: str, status: int) -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        url = f"http://{address}/v2beta1/events/trades?{query}"
        async with aiohttp.ClientSession() as session:
            async with session.get(url, headers=HEADERS) as response:
                assert response.status == status
            async with session.get(url) as response:
                assert response.status == 401

    run(story)
