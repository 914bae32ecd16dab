"""Intake: may this document be cut at all?"""

from __future__ import annotations

import re
from dataclasses import replace

from ..docstate import DocState, Finding, PhaseError
from ..model import CutError
from ..textio import decode

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def run(state: DocState) -> DocState:
    """Take the source as text. PhaseError for a bad id, binary or empty text.

    A document without a title is taken, with a finding.
    """
    if not _IDENTIFIER.fullmatch(state.document_id):
        raise PhaseError(f"document id {state.document_id[:40]!r} is not usable in an address")
    try:
        text = decode(state.source.encode("utf-8", "surrogateescape"))
    except (CutError, UnicodeEncodeError) as error:
        raise PhaseError(f"{state.document_id}: {error}") from None
    if not text.strip():
        raise PhaseError(f"{state.document_id}: document has no text")
    state = replace(state, title=" ".join(state.title.split()), text=text)
    if not state.title:
        state = state.noting(Finding("no-title", "", "document has no title"))
    return state
