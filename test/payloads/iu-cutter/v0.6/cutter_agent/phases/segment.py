"""Segment: blocks, and a draft for each unit."""

from __future__ import annotations

from dataclasses import replace

from ..blocks import split_blocks
from ..cutter import units_of
from ..docstate import DocState, Draft, Finding, PhaseError

#: A block above this size was most likely not recognised for what it is.
LONG_BLOCK = 4000


def run(state: DocState) -> DocState:
    """Cut the text. PhaseError when nothing is left to cut; long blocks are found."""
    blocks = tuple(split_blocks(state.text))
    if not blocks:
        raise PhaseError(f"{state.document_id}: nothing left after normalizing")
    units = units_of(blocks)
    findings = [
        Finding("long-block", unit.address, f"{len(unit.body)} characters in one block")
        for unit in units if len(unit.body) > LONG_BLOCK
    ]
    drafts = tuple(Draft(unit) for unit in units)
    return replace(state, blocks=blocks, drafts=drafts).noting(*findings)
