"""A line between two sockets: what is said on it arrives whole, in order, later, and so does the end."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest

from labs.infra.faults.lines import Line
from labs.infra.faults.wire import create_app

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
DELAY = 100.0
"""Milliseconds; a busy machine adds to it, and takes nothing away."""


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(65_536):
        writer.write(said)
        await writer.drain()
    writer.close()


async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers when the other side has said its last word."""
    writer.write(str(len(await reader.read())).encode())
    writer.close()


def port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


@asynccontextmanager
async def laid(
    handler: Handler, milliseconds: float = 0.0
) -> AsyncIterator[tuple[Line, Callable[[], Awaitable[Ends]]]]:
    """A line to a server, and how to connect to its near end."""
    served = set[asyncio.Task[None]]()
    far = await asyncio.start_server(lambda *ends: served.add(asyncio.create_task(handler(*ends))), "127.0.0.1", 0)
    line = Line("test", f"127.0.0.1:{port(far)}")
    line.milliseconds = milliseconds
    near = await line.open("127.0.0.1:0")
    yield line, lambda: asyncio.open_connection("127.0.0.1", port(near))
    for server in (near, far):
        server.close()


async def exchange(ends: Ends, said: bytes = b"tea") -> float:
    """Seconds from a word to its echo."""
    reader, writer = ends
    began = time.monotonic()
    writer.write(said)
    assert await reader.readexactly(len(said)) == said
    return time.monotonic() - began


@pytest.mark.parametrize("milliseconds", [0.0, 4.0])
def test_what_is_said_arrives_whole_and_in_order(milliseconds: float) -> None:
    said = os.urandom(1_000_000)

    async def run() -> bytes:
        async with laid(echo, milliseconds) as (_, connect):
            reader, writer = await connect()
            heard = asyncio.create_task(reader.readexactly(len(said)))
            for start in range(0, len(said), 10_007):
                writer.write(said[start : start + 10_007])
                await writer.drain()
            return await heard

    assert asyncio.run(run()) == said


def test_an_exchange_takes_a_round_trip_and_the_first_of_a_connection_two() -> None:
    async def run() -> tuple[float, float]:
        async with laid(echo, DELAY) as (_, connect):
            ends = await connect()
            first = await exchange(ends)
            return first, min([await exchange(ends) for _ in range(3)])

    first, later = asyncio.run(run())
    assert first >= 2 * DELAY / 1000
    assert DELAY / 1000 <= later < first


def test_exchanges_side_by_side_wait_together() -> None:
    async def run() -> float:
        async with laid(echo, DELAY) as (_, connect):
            connections = [await connect() for _ in range(20)]
            began = time.monotonic()
            await asyncio.gather(*map(exchange, connections))
            return time.monotonic() - began

    assert asyncio.run(run()) < 20 * DELAY / 1000 / 2, "one after the other they would take twice as long at least"


def test_a_delay_that_is_taken_away_is_gone_for_connections_that_are_open() -> None:
    async def run() -> float:
        async with laid(echo, 10 * DELAY) as (line, connect):
            ends = await connect()
            await exchange(ends)
            line.milliseconds = 0.0
            return min([await exchange(ends) for _ in range(5)])

    assert asyncio.run(run()) < 10 * DELAY / 1000


@pytest.mark.parametrize("milliseconds", [0.0, 20.0])
def test_who_has_said_the_last_word_still_hears_the_answer(milliseconds: float) -> None:
    async def run() -> bytes:
        async with laid(count, milliseconds) as (_, connect):
            reader, writer = await connect()
            writer.write(b"x" * 5000)
            writer.write_eof()
            return await reader.read()

    assert asyncio.run(run()) == b"5000"


def test_a_server_that_hangs_up_is_heard_to() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    async def run() -> bytes:
        async with laid(hang_up, 5.0) as (_, connect):
            reader, _writer = await connect()
            return await reader.read()

    assert asyncio.run(run()) == b"bye"


def test_a_client_that_breaks_off_is_gone_for_the_server_too() -> None:
    async def run() -> None:
        gone = asyncio.Event()

        async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while await reader.read(1000):
                    writer.write(b"go on")
            except ConnectionError:
                gone.set()
            gone.set()

        async with laid(wait_for_the_end) as (_, connect):
            reader, writer = await connect()
            writer.write(b"tea")
            await reader.readexactly(5)
            writer.transport.abort()
            await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(run())


def test_where_nobody_listens_a_connection_ends_without_a_word() -> None:
    async def run() -> bytes:
        async with laid(echo) as (line, connect):
            unused = await asyncio.start_server(echo, "127.0.0.1", 0)
            line.upstream = f"127.0.0.1:{port(unused)}"
            unused.close()
            reader, _writer = await connect()
            try:
                return await asyncio.wait_for(reader.read(), 10)
            except ConnectionError:
                return b""

    assert asyncio.run(run()) == b""


def test_a_line_is_made_longer_over_http_and_all_are_cleared_at_once() -> None:
    lines = {name: Line(name, "127.0.0.1:1") for name in ("wire_user", "wire_inventory")}
    client = create_app(lines).test_client()

    put = client.put("/faults/wire_inventory", json={"on": True, "milliseconds": 5})
    assert put.get_json() == {"name": "wire_inventory", "on": True, "milliseconds": 5.0}
    assert [item["on"] for item in client.get("/faults").get_json()["items"]] == [False, True]
    assert client.put("/faults/wire_inventory", json={"on": False}).get_json()["milliseconds"] == 0
    client.put("/faults/wire_user", json={"on": True})
    assert lines["wire_user"].milliseconds == 50, "its default"
    assert client.delete("/faults").status_code == 204
    assert {line.milliseconds for line in lines.values()} == {0.0}


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("wire_moon", {"on": True}, 404, "no line 'wire_moon'. There are: wire_user"),
        ("wire_user", {"milliseconds": 5}, 422, 'Send {"on": true}'),
        ("wire_user", {"on": 1}, 422, 'Send {"on": true}'),
        ("wire_user", ["on"], 422, 'Send {"on": true}'),
        ("wire_user", {"on": True, "milliseconds": -1}, 422, "a number from 0 to 10000 ms, not -1"),
        ("wire_user", {"on": True, "milliseconds": "5"}, 422, "a number from 0 to 10000 ms"),
        ("wire_user", {"on": True, "milliseconds": True}, 422, "a number from 0 to 10000 ms"),
    ],
)
def test_what_is_no_delay_is_refused_in_words(name: str, body: object, status: int, words: str) -> None:
    line = Line("wire_user", "127.0.0.1:1")
    answer = create_app({"wire_user": line}).test_client().put(f"/faults/{name}", json=body)

    assert answer.status_code == status
    assert words in answer.get_json()["detail"]
    assert line.milliseconds == 0
