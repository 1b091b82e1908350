"""What a kernel sends is counted before anybody keeps it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from grader.sandbox.relay import Counter, Refused, Relay
from tests.grader.sandbox_helpers import NUMPY, becomes_true, require, run

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(52, b"\0")
MANY_PARTS = """\
kernel = get_ipython().kernel
session, parent = kernel.session, kernel.get_parent('shell')
head = session.msg('stream', parent=parent)
parts = [session.pack(head['header']), session.pack(head['parent_header']), b'{}',
         b'{"name": "stdout", "text": "x"}']
more = [PART] * COUNT
kernel.iopub_socket.send_multipart(
    [b'x', b'<IDS|MSG>', session.sign(parts), *parts, *more], copy=False)
import time; time.sleep(5)
"""


def frame(content: bytes, more: bool = False, command: bool = False) -> bytes:
    flags = more | 4 * command
    if len(content) > 255:
        return bytes([flags | 2]) + len(content).to_bytes(8, "big") + content
    return bytes([flags, len(content)]) + content


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_messages_are_counted_with_all_their_parts_however_they_come(step: int) -> None:
    fitting = frame(b"READY", command=True) + frame(b"a" * 300, more=True) + frame(b"b" * 400)
    stream = GREETING + 50 * fitting
    counter = Counter(1000)
    for at in range(0, len(stream), step):
        counter.take(stream[at : at + step])
    with pytest.raises(Refused, match="more than"):
        counter.take(frame(b"a" * 300, more=True) + frame(b"b" * 400, more=True) + frame(b"c"))


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1".ljust(64),
        GREETING.replace(b"\x7f\x03", b"\x7f\x01"),  # an older protocol, of other frames
        GREETING + b"\x02" + b"\xff" * 8,
        GREETING + 20 * frame(b"", more=True),
        GREETING + b"\x06" + (5000).to_bytes(8, "big"),
    ],
    ids=["no greeting", "an older one", "a length without end", "empty parts", "a long command"],
)
def test_what_is_too_much_or_of_another_kind_is_refused(stream: bytes) -> None:
    with pytest.raises(Refused):
        Counter(1000).take(stream)


def test_what_fits_passes_as_it_is_and_nobody_waits_for_the_rest(tmp_path: Path) -> None:
    """With real sockets of ZeroMQ on both ends."""
    stopped: list[str] = []

    async def talk() -> list[bytes]:
        context = zmq.asyncio.Context()
        back, front = tmp_path / "back", tmp_path / "front"
        with context, context.socket(zmq.PAIR) as kernel, context.socket(zmq.PAIR) as grader:
            kernel.bind(f"ipc://{back}")
            relay = Relay([back], [front], lambda: stopped.append("stopped"))
            await relay.open()
            grader.connect(f"ipc://{front}")
            await grader.send_multipart([b"a question", b""])
            assert await kernel.recv_multipart() == [b"a question", b""]
            sent = [b"x" * 30_000_000, b"", b"y" * 1_000_000]
            await kernel.send_multipart(sent)
            assert await grader.recv_multipart() == sent
            await kernel.send_multipart([b"x" * 10_000_000] * 4)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(grader.recv_multipart(), 1)
                raise AssertionError("it came through")
            await relay.close()
            kernel.linger = grader.linger = 0
            return [relay.reason.encode()]

    assert asyncio.run(talk()) == [b"a message of more than 32 MB"]
    assert becomes_true(lambda: stopped == ["stopped"])


@pytest.mark.parametrize(
    ("part", "count"), [("bytes(31 << 20)", 60), ("b''", 500_000)], ids=["large", "empty"]
)
def test_a_message_of_many_parts_ends_the_kernel_and_says_so(part: str, count: int) -> None:
    require("direct")
    before = _peak_mb(forget=True)
    session = run(
        MANY_PARTS.replace("PART", part).replace("COUNT", str(count)), profile=NUMPY, seconds=20
    )
    assert session.ended is not None and session.ended.reason == "a message of more than 32 MB"
    assert session.text == ""
    assert _peak_mb() - before < 150


def _peak_mb(forget: bool = False) -> float:
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def test_a_picture_of_many_megabytes_comes_through() -> None:
    require("direct")
    session = run("print('x' * 25_000_000)", profile=NUMPY, seconds=30)
    assert len(session.text) > 25_000_000
