"""Two ways out of a run: a journal for people, a channel for the program that started it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from typing import TextIO

CHANNEL_FD = 3


class Journal:
    """Numbered lines on a stream. No clock: two runs over the same store read the same."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self.lines: list[str] = []

    def note(self, topic: str, text: str) -> None:
        """Add a line; line breaks in it become spaces, so one event is one line."""
        line = f"{len(self.lines) + 1:03d} {topic}: {' '.join(text.split())}"
        self.lines.append(line)
        if self._stream is not None:
            print(line, file=self._stream, flush=True)


class ChannelError(Exception):
    """A record could not be delivered: whoever waits for it never saw it."""


class Channel:
    """Sends one JSON line per record, to file descriptor 3 or to standard output.

    Whether descriptor 3 is open has to be settled before the program opens
    anything itself, or it might find its own file there: make the channel first.
    """

    def __init__(self, descriptor: int | None, show: Callable[[str], None] = print) -> None:
        self._descriptor = descriptor
        self._show = show

    @classmethod
    def of_process(cls) -> Channel:
        """The channel this process was started with."""
        try:
            flags = fcntl.fcntl(CHANNEL_FD, fcntl.F_GETFL)
        except OSError:
            return cls(None)
        return cls(None if flags & os.O_ACCMODE == os.O_RDONLY else CHANNEL_FD)

    def send(self, record: dict[str, object]) -> None:
        """Deliver a record whole. ChannelError if the other end is gone.

        On standard output the line is preceded by ``STOP`` or ``CLOSEOUT``.
        """
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        try:
            if self._descriptor is None:
                self._show(("STOP " if "stopGate" in record else "CLOSEOUT ") + line)
                return
            data = line.encode() + b"\n"
            while data:
                data = data[os.write(self._descriptor, data):]
        except OSError as error:
            raise ChannelError(f"record not delivered: {error.strerror}") from None
