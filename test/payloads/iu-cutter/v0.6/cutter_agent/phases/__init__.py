"""The phases a document goes through, in their one order.

Each phase is a function from a state to a new state; it reads no clock, no
file and no store, so the same document always ends in the same state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..docstate import DocState, PhaseError
from . import (
    classify, commit, dedupe, intake, link, normalize, number, render, review, score, segment,
)

Phase = Callable[[DocState], DocState]

PHASES: dict[str, Phase] = {
    "intake": intake.run,
    "normalize": normalize.run,
    "segment": segment.run,
    "classify": classify.run,
    "number": number.run,
    "link": link.run,
    "dedupe": dedupe.run,
    "score": score.run,
    "review": review.run,
    "render": render.run,
    "commit": commit.run,
}


def run_phase(name: str, state: DocState) -> DocState:
    """Run one phase. PhaseError unless exactly the phases before it are done."""
    order = tuple(PHASES)
    if name not in PHASES:
        raise PhaseError(f"no phase {name!r}")
    expected = order[: order.index(name)]
    if state.done != expected:
        last = state.done[-1] if state.done else "nothing"
        raise PhaseError(f"phase {name} cannot follow {last}")
    return replace(PHASES[name](state), done=state.done + (name,))


def run_all(state: DocState) -> DocState:
    """Run every phase that is still to do."""
    for name in tuple(PHASES)[len(state.done):]:
        state = run_phase(name, state)
    return state
