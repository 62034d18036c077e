"""A line: connections that come in at one end go out at the other, and all that is said on them arrives half a round trip later
than it was said. It knows nothing of HTTP, and loses, doubles and reorders nothing."""

import asyncio

from labs.services.chassis import logs

CONNECT_WITHIN = 5.0
"""Seconds that the other end has to take a connection."""
HALF_OPEN = 30.0
"""Seconds that one side may go on talking when the other has said its last word."""
CHUNK, MOST_CHUNKS = 65_536, 64
"""Bytes that are carried together; so many of them may be under way in one direction before the sender has to wait."""
log = logs.get(__name__)


class Line:
    """To `upstream` (host:port). `milliseconds` is what a round trip takes longer; what is under way already keeps its pace.
    Another thread may set it."""

    def __init__(self, name: str, upstream: str) -> None:
        self.name, self.upstream, self.milliseconds = name, upstream, 0.0
        self._open = set[asyncio.Task[None]]()

    async def open(self, address: str) -> asyncio.Server:
        """Take connections at host:port. Raises OSError."""
        host, _, port = address.rpartition(":")
        return await asyncio.start_server(self._taken, host, int(port))

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connected(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        host, _, port = self.upstream.rpartition(":")
        came = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError) as error:
            log.warning("nobody takes the connection", reason=f"{self.name}: {error or 'time-out'}")
            writer.transport.abort()
            return
        # TCP's own handshake goes to and fro once before the first byte is sent: here it was over at once.
        there = asyncio.create_task(self._carry(reader, far_writer, came + self.milliseconds / 1000))
        back = asyncio.create_task(self._carry(far_reader, writer, came))
        try:
            _, left = await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            if left and not any(task.done() and task.exception() for task in (there, back)):
                await asyncio.wait(left, timeout=HALF_OPEN)
        finally:
            well = all(task.done() and not task.cancelled() and not task.exception() for task in (there, back))
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            for end in (writer, far_writer):
                end.close() if well else end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, earliest: float) -> None:
        """One direction, nothing of it before `earliest` (the loop's clock) and half a round trip. Where the speaker has said
        its last word the listener hears that, too, and may still answer. Raises OSError when an end is gone."""
        under_way: asyncio.Queue[tuple[float, bytes | OSError]] = asyncio.Queue(MOST_CHUNKS)
        listening = asyncio.create_task(self._listen(reader, under_way, earliest))
        now = asyncio.get_running_loop().time
        try:
            while True:
                arrives, said = await under_way.get()
                if (rest := arrives - now()) > 0:
                    await asyncio.sleep(rest)
                if isinstance(said, OSError):
                    raise said
                if not said:
                    break
                writer.write(said)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        finally:
            listening.cancel()

    async def _listen(
        self,
        reader: asyncio.StreamReader,
        under_way: "asyncio.Queue[tuple[float, bytes | OSError]]",
        earliest: float,
    ) -> None:
        """Notes what was said, and when it arrives; at the end an empty word, or what broke the connection."""
        now, last, said = asyncio.get_running_loop().time, earliest, b" "
        while said:
            trouble: OSError | None = None
            try:
                said = await reader.read(CHUNK)
            except OSError as error:
                said, trouble = b"", error
            last = max(last, max(now(), earliest) + self.milliseconds / 2000)  # nothing overtakes
            await under_way.put((last, trouble or said))
