"""Review: which units a person has to look at before they count as settled."""

from __future__ import annotations

from dataclasses import replace

from ..docstate import DocState, Draft

THRESHOLD = 70


def verdict_of(draft: Draft) -> str:
    """``skip`` for a duplicate, ``review`` below the threshold, else ``accept``."""
    if draft.duplicate_of:
        return "skip"
    return "accept" if draft.score >= THRESHOLD else "review"


def run(state: DocState) -> DocState:
    """Give every draft its verdict; references to a skipped unit go to its original."""
    moved = {draft.unit.address: draft.duplicate_of for draft in state.drafts if draft.duplicate_of}
    return replace(state, drafts=tuple(
        replace(
            draft,
            verdict=verdict_of(draft),
            refs=tuple(dict.fromkeys(moved.get(ref, ref) for ref in draft.refs)),
        )
        for draft in state.drafts
    ))
