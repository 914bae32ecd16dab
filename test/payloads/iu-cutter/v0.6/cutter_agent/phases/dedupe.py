"""Dedupe: the same words twice in one document are one unit."""

from __future__ import annotations

import re
from dataclasses import replace

from ..docstate import DocState, Finding

_NOT_WORDS = re.compile(r"[\W_]+")
#: Shorter passages repeat by nature ("to the board; or") and are left alone.
MIN_LENGTH = 24


def essence(text: str) -> str:
    """The words of a text alone: no case, no punctuation, no layout."""
    return _NOT_WORDS.sub(" ", text.casefold()).strip()


def run(state: DocState) -> DocState:
    """Point every later repeat at the first unit of the same kind and words.

    A unit with others below it is never a duplicate: it gives them their place.
    """
    first: dict[tuple[str, str], str] = {}
    parents = {draft.unit.parent for draft in state.drafts}
    drafts, findings = [], []
    for draft in state.drafts:
        unit, words = draft.unit, essence(draft.unit.body)
        if len(words) >= MIN_LENGTH and unit.address not in parents:
            original = first.setdefault((unit.kind, words), unit.address)
            if original != unit.address:
                draft = replace(draft, duplicate_of=original)
                findings.append(Finding("duplicate", unit.address, f"same words as {original}"))
        drafts.append(draft)
    return replace(state, drafts=tuple(drafts)).noting(*findings)
