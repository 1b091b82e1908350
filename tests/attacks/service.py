"""A service of the host: attackers try to reach it."""

from __future__ import annotations

import contextlib
import socket
import threading


class Service:
    """A service of the host that kernels must not reach."""

    def __init__(self) -> None:
        self.connections: list[str] = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            self.unix.bind("\0course-canary")
            self.unix.listen()
        for line in (self.tcp, self.unix):
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    @property
    def port(self) -> int:
        return self.tcp.getsockname()[1]

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, address = line.accept()
                self.connections.append(str(address))
                connection.close()

    def close(self) -> None:
        self.tcp.close()
        self.unix.close()
