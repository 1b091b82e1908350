"""Between a kernel's sockets and the grader: ends a line before a message without end is kept.

ZeroMQ keeps the parts of a message until the last of them is there, however many come, and the
bounds that it knows are on one part and on whole messages.  So what a kernel sends is counted on
its way, as bytes, and passed on piece by piece; nothing of it is understood here but its lengths.
They are written as in ZMTP 3 (rfc.zeromq.org/spec/23): a greeting, then frames.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from grader.sandbox.bounds import MESSAGE_BYTES, MIB

_GREETING = 64
_MORE, _LONG, _COMMAND = 1, 2, 4
_OVERHEAD = 128
"""Bytes that ZeroMQ keeps beside a part; a million empty parts are a large message, too."""
_PIECE = 256 * 1024


class Refused(Exception):
    """What comes is not to be passed on; the text says why."""


class Counter:
    """Reads lengths off a stream of ZMTP, piece by piece."""

    def __init__(self, most: int = MESSAGE_BYTES) -> None:
        self.most = most
        self._head = bytearray()
        """Of the greeting or a frame, as far as it has come."""
        self._greeted = False
        self._left = 0
        """Bytes of a part that are still to come."""
        self._size = 0
        """Of the message that is coming."""

    def take(self, data: bytes) -> None:
        """Count what is to be passed on.  Raises Refused."""
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            else:
                step = min(self._wanted() - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == self._wanted():
                    self._read_head()
            at += step

    def _wanted(self) -> int:
        """Bytes of the greeting, or of the head of a frame as far as it is known."""
        if not self._greeted:
            return _GREETING
        return 9 if self._head and self._head[0] & _LONG else 2

    def _read_head(self) -> None:
        head, self._head = self._head, bytearray()
        if not self._greeted:
            if head[0] != 0xFF or not head[9] & 1 or head[10] < 3:
                raise Refused("it speaks another protocol than a kernel")
            self._greeted = True
            return
        length = int.from_bytes(head[1:], "big")
        self._left = length
        if self._size + length + _OVERHEAD > self.most:
            raise Refused(f"a message of more than {self.most // MIB} MB")
        if not head[0] & _COMMAND:  # commands stand between messages
            self._size = self._size + length + _OVERHEAD if head[0] & _MORE else 0


class Relay:
    """Sockets at `fronts` whose connections lead on to those at `backs`, one by one."""

    def __init__(self, backs: Iterable[Path], fronts: Iterable[Path], stop: Callable[[], None]):
        """stop: called, in a thread of the relay's own, when something was refused."""
        self.reason = ""
        """What was refused, in words."""
        self._ways = list(zip(fronts, backs, strict=True))
        self._stop = stop
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen.  Raises OSError."""
        await _elsewhere(self._open())

    async def close(self) -> None:
        """End all connections."""
        await _elsewhere(self._close())

    async def _open(self) -> None:
        for front, back in self._ways:

            async def connected(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: Path = back
            ) -> None:
                await self._connected(reader, writer, back)

            self._servers.append(await asyncio.start_unix_server(connected, front, limit=_PIECE))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        waiting = [task for task in self._connections if task is not asyncio.current_task()]
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)

    async def _connected(
        self, ours: asyncio.StreamReader, to_us: asyncio.StreamWriter, back: Path
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        to_kernel: asyncio.StreamWriter | None = None
        try:
            kernel, to_kernel = await asyncio.open_unix_connection(back, limit=_PIECE)
            counter = Counter()
            there = asyncio.create_task(_pass_on(ours, to_kernel, lambda _: None))
            back_again = asyncio.create_task(_pass_on(kernel, to_us, counter.take))
            try:
                await asyncio.wait([there, back_again], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in (there, back_again):
                    each.cancel()
                done = await asyncio.gather(there, back_again, return_exceptions=True)
            for error in done:
                if isinstance(error, Refused):
                    self.reason = self.reason or str(error)
                    self._stop()
        except (OSError, asyncio.CancelledError):
            pass  # the kernel is gone, or all of it is to end
        finally:
            self._connections.discard(task)
            for writer in (to_us, to_kernel):
                if writer is not None:
                    writer.transport.abort()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]
) -> None:
    while data := await reader.read(_PIECE):
        look(data)
        writer.write(data)
        await writer.drain()


_lock = threading.Lock()
_running: dict[int, asyncio.AbstractEventLoop] = {}
"""Process id -> the loop in which its relays run: whoever talks to a kernel may block its own."""


async def _elsewhere(work: Awaitable[None]) -> None:
    with _lock:
        loop = _running.get(os.getpid())
        if loop is None:
            loop = _running[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="sandbox-relay", daemon=True).start()

    async def done() -> None:
        await work

    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(done(), loop))
