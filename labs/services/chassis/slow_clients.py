"""gunicorn's threaded worker, in which a slow client costs no thread: a request gets one when all of it is there.

gunicorn's own gives each connection a thread as soon as it is open, and the one thread that accepts waits up to 2 s for every
client to hang up. Eight clients that send a byte now and then, or twenty that are slow to leave, shut everybody else out."""

import re
import selectors
import socket
import struct
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # gunicorn has no types

from labs.services.chassis.health import PRESENCE
from labs.services.chassis.problems import LARGEST_BODY

PATIENCE = 5.0
"""Seconds that a client has to send a request, and to take each part of an answer."""
LEAVING = 2.0
"""Seconds that a client has to hang up after the last answer."""
LONGEST_HEAD = 1_000_000
"""Bytes: more than gunicorn itself accepts."""
_TIMEOUT = struct.pack("ll", int(PATIENCE), 0)
_HEAD_END, _LINE_END = b"\r\n\r\n", b"\r\n"
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d+)[ \t]*\r$", re.I | re.M)
_CHUNKED = re.compile(rb"^transfer-encoding[ \t]*:", re.I | re.M)


class Arriving:
    """What has come of a request so far. `hopeless`: it is larger than anything that is answered otherwise than with a refusal,
    so nobody waits for the rest of it."""

    def __init__(self) -> None:
        self.data, self.hopeless = bytearray(), False
        self._head = 0  # its length, once it is all there
        self._length = 0  # of the body that it announces
        self._chunk = 0  # where the next chunk begins; 0 if it does not come in chunks

    def whole(self, more: bytes) -> bool:
        """Whether it is all there, now that `more` has come. What is malformed counts as whole: it is refused as it is."""
        searched = max(0, len(self.data) - len(_HEAD_END))
        self.data += more
        if not self._head:
            if (end := self.data.find(_HEAD_END, searched)) < 0:
                self.hopeless = len(self.data) > LONGEST_HEAD
                return self.hopeless
            self._read_head(end + len(_HEAD_END))
        self.hopeless = self.hopeless or len(self.data) > self._head + LONGEST_HEAD + LARGEST_BODY
        return self.hopeless or (self._chunks() if self._chunk else len(self.data) >= self._head + self._length)

    def _read_head(self, length: int) -> None:
        head, self._head = bytes(self.data[:length]), length
        if _CHUNKED.search(head):
            self._chunk = length
        elif announced := _LENGTH.search(head):
            self._length = int(announced[1][:20])
            self.hopeless = self._length > LARGEST_BODY

    def _chunks(self) -> bool:
        """Whether the last chunk is there, and the lines that may follow it (RFC 9112, section 7.1)."""
        while (end := self.data.find(_LINE_END, self._chunk)) >= 0:
            try:
                size = int(self.data[self._chunk : end].partition(b";")[0], 16)
            except ValueError:
                return True
            if size <= 0:
                return self.data.find(_HEAD_END, end) >= 0
            if len(self.data) < (after := end + size + 2 * len(_LINE_END)):
                return False
            self._chunk = after
        return False


def shut(listener: Any) -> None:
    """Whoever holds it: connections are refused from now on, until somebody listens again."""
    with suppress(OSError):  # macOS cannot
        listener.shutdown(socket.SHUT_RDWR)


class Worker(ThreadWorker):
    """It reads requests as they come, in the thread that accepts; that of a connection is kept at `conn.arriving`. After
    PATIENCE seconds an unfinished one is dropped."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: whoever asks on a connection that is open still hears that it is not ready any more."""
        PRESENCE.leave()
        super().handle_exit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the end, too: then those who wait to be let in are, and the door is closed, so that whoever comes later is refused
        at once and can ask elsewhere, or again. gunicorn's own leaves it open until all is answered, and then drops them."""
        if enabled:
            for listener in self.sockets:
                listener.listen(self.cfg.backlog)  # the master has shut it, or a worker before this one
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            taken = -1
            while taken != self.nr_conns:
                taken = self.nr_conns
                self.accept(listener)
            if self.cfg.workers == 1:  # else it is the others' too
                shut(listener)  # the master may not have let go of it yet
            listener.close()

    def enqueue_req(self, conn: Any) -> None:
        """A connection is new, or has more to say."""
        if not conn.initialized:
            for direction in (
                socket.SO_RCVTIMEO,
                socket.SO_SNDTIMEO,
            ):  # of threads, should they wait for a client after all
                conn.sock.setsockopt(socket.SOL_SOCKET, direction, _TIMEOUT)
            conn.init()
        conn.arriving = Arriving()
        self._wait(conn, PATIENCE)
        self._take(conn, conn.parser.unreader.take_buffered())  # of a client that did not wait for the last answer

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """It says something, or has hung up."""
        try:
            data = client.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(conn)
        elif conn.arriving:  # else it is leaving, and nobody listens
            self._take(conn, data)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """The thread is done with it. Unless another request may come, the client is told so and has time to hang up."""
        if not conn.arriving.hopeless and not fs.cancelled() and not fs.exception() and fs.result():
            super().finish_request(conn, fs)
            return
        conn.arriving = None
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # the client was faster, or the thread broke off its answer
            self.nr_conns -= 1
            conn.close()
        else:
            self._wait(conn, LEAVING)

    def murder_pending(self) -> None:
        """Those whose time is up."""
        now = time.monotonic()
        for conn in [conn for conn in self.pending_conns if conn.timeout < now]:
            self._drop(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Only what is there is read of a body that nobody wanted."""
        return bool(not conn.arriving.hopeless and super()._keepalive_after(conn, keepalive))

    def _take(self, conn: Any, data: bytes) -> None:
        if conn.arriving.whole(data):
            self._forget(conn)
            conn.parser.unreader.unread(bytes(conn.arriving.data))
            super().enqueue_req(conn)

    def _wait(self, conn: Any, seconds: float) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _forget(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def _drop(self, conn: Any) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()
