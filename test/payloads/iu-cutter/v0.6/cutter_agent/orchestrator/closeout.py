"""The closeout: what a finished run did, in numbers."""

from __future__ import annotations

from .plan import Mode
from .state import RunState
from .store import Counts


class CloseoutError(Exception):
    """What the run did is not what its mode allows or what it set out to do."""


def record(
    mode: Mode, state: RunState, before: Counts, after: Counts, mutations: int
) -> dict[str, object]:
    """The closeout line. CloseoutError instead of a line that would not be true.

    ``mutations`` is the number of rows the store says it changed for this
    run: in DRYRUN it must be 0, in LIVE it must be every insert and update
    planned, before they are committed. In both the growth of the table must
    agree, because the run works in one transaction from beginning to end.
    """
    insert, update = state.total("insert"), state.total("update")
    allowed, growth = (0, 0) if mode is Mode.DRYRUN else (insert + update, insert)
    if mutations != allowed:
        raise CloseoutError(f"rows changed: {mutations}, due: {allowed}")
    if before.growth(after) != (0, growth):
        raise CloseoutError(f"store went from {before} to {after}; new units due: {growth}")
    names = ("wouldInsert", "wouldUpdate") if mode is Mode.DRYRUN else ("inserted", "updated")
    return {"closeout": {
        "documents": len(state.documents),
        "units": state.total("units"),
        names[0]: insert,
        names[1]: update,
        "mutations": mutations,
    }}
