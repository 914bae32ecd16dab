"""Leave for LIVE. Closed by default: every path that is not an explicit yes is a no.

This code holds no key and judges no token. It carries the permit it was given
to the execution gate and goes by the answer. ``__execution_enabled__`` is
reported in the refusal and opens nothing.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path

import cutter_agent

#: The entrypoints of this package that need leave, as the plan names them.
LIVE, SERVE = "live", "serve"
MAX_BYTES = 65536
TIMEOUT = 5.0


class LiveRefused(Exception):
    """LIVE may not run; the message is the reason, on one line."""


def obtain(environ: Mapping[str, str], entrypoint: str = LIVE) -> None:
    """Return if the execution gate opens for this run; LiveRefused otherwise.

    ``KEYTURN_PERMIT`` names the file with the permit, ``KEYTURN_GATE_SOCKET``
    the Unix socket of the gate. The gate is sent one line,
    ``{"permit": "<token>", "entrypoint": "<its name>"}``, and only the answer
    ``{"open": true}`` opens. The file is read anew each time.
    """
    path = environ.get("KEYTURN_PERMIT", "")
    if not path:
        enabled = cutter_agent.__execution_enabled__
        raise LiveRefused(
            f"execution is not enabled (__execution_enabled__ = {enabled})"
            " and no run permit was given"
        )
    token = _read(path)
    gate = environ.get("KEYTURN_GATE_SOCKET", "")
    if not gate:
        raise LiveRefused("there is no execution gate to show the run permit to")
    answer = _ask(gate, {"permit": token, "entrypoint": entrypoint})
    if not (isinstance(answer, dict) and set(answer) == {"open"} and answer["open"] is True):
        raise LiveRefused("the execution gate did not open for this run permit")


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        token = data.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError, ValueError):
        raise LiveRefused("the run permit cannot be read") from None
    if not token or len(data) > MAX_BYTES:
        raise LiveRefused("the run permit is empty or too large")
    return token


def _ask(gate: str, question: dict[str, str]) -> object:
    """The gate's answer as JSON. LiveRefused for silence, noise or a second line."""
    data = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(TIMEOUT)
            link.connect(gate)
            link.sendall(json.dumps(question).encode() + b"\n")
            while not data.endswith(b"\n") and len(data) <= MAX_BYTES:
                part = link.recv(4096)
                if not part:
                    break
                data += part
        return json.loads(data)
    except (OSError, ValueError, RecursionError):
        raise LiveRefused("the execution gate gave no usable answer") from None
