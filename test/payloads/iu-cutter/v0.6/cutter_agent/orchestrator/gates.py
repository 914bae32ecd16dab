"""Stop gates, and the token that takes a dry run past one.

A token is the base64url form of a JSON object that holds the gate, the
fingerprint of everything the run had seen there, and a digest over both. It
needs no memory anywhere: the next run cuts the documents again, which gives
the same result, and compares. The digest catches a damaged or edited token;
the fingerprint catches a store that changed after somebody looked. Neither
makes the token a permission: a dry run writes nothing on either side of a gate.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from ..docstate import fingerprint
from .plan import gates_in_order
from .state import RunState


class TokenRefused(Exception):
    """The resume token does not belong to this run; the message says why."""


@dataclass(frozen=True)
class ResumeToken:
    """Leave to go on past ``gate`` for a run whose fingerprint there is ``seen``."""

    gate: str
    seen: str

    def encode(self) -> str:
        """The opaque text handed out at the gate. No padding, safe in an environment."""
        value = self._fields() | {"sum": fingerprint(self._fields())}
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> ResumeToken:
        """Read a token back. TokenRefused if anything about it is not as issued."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            value = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            token = cls(value["gate"], value["seen"])
        except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
            raise TokenRefused("resume token cannot be read") from None
        if token.encode() != text:
            raise TokenRefused("resume token was altered")
        if token.gate not in gates_in_order():
            raise TokenRefused(f"resume token is for an unknown gate {token.gate!r}")
        return token

    def _fields(self) -> dict[str, object]:
        return {"v": 1, "gate": self.gate, "seen": self.seen}


def passes(gate: str, state: RunState, token: ResumeToken | None) -> bool:
    """Whether the token takes the run past this gate; False means stop here.

    A token for a later gate passes the earlier ones: it was only issued
    beyond them, and its own gate compares everything they showed. At its own
    gate the run must have seen the same, else TokenRefused.
    """
    if token is None:
        return False
    order = gates_in_order()
    if order.index(token.gate) != order.index(gate):
        return order.index(token.gate) > order.index(gate)
    if token.seen != state.digest():
        raise TokenRefused(f"the documents or the store changed since {gate}")
    return True


def stop_record(gate: str, state: RunState) -> dict[str, object]:
    """The line a run hands out when it stops: what there is to look at, and how to go on."""
    if gate == "SG1":
        summary = (
            f"cut and reviewed: documents {len(state.documents)}, units {state.total('units')}, "
            f"units to review {state.total('review')}, findings {state.total('findings')}"
        )
    else:
        summary = (
            f"storing would insert {state.total('insert')}, update {state.total('update')}, "
            f"leave unchanged {state.total('unchanged')}; orphaned {state.total('orphaned')}"
        )
    token = ResumeToken(gate, state.digest())
    return {"stopGate": gate, "summary": summary, "resume": token.encode()}
