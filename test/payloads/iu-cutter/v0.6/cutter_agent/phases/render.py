"""Render: drafts as the rows a store keeps."""

from __future__ import annotations

from dataclasses import asdict, replace

from ..docstate import DocState, Draft, Row, fingerprint


def row_of(state: DocState, draft: Draft, position: int) -> Row:
    """The row of one draft. Its digest changes exactly when another column does."""
    unit = draft.unit
    row = Row(
        id=f"{state.document_id}#{unit.address}",
        document_id=state.document_id,
        address=unit.address,
        position=position,
        kind=unit.kind,
        role=draft.role,
        title=unit.title,
        body=unit.body,
        lang=state.lang,
        refs=" ".join(draft.refs),
        score=draft.score,
        verdict=draft.verdict,
        digest="",
    )
    columns = asdict(row)
    del columns["digest"]
    return replace(row, digest=fingerprint(columns))


def run(state: DocState) -> DocState:
    """One row per draft that is not skipped, numbered from 1 in reading order."""
    kept = [draft for draft in state.drafts if draft.verdict != "skip"]
    rows = tuple(row_of(state, draft, position) for position, draft in enumerate(kept, 1))
    return replace(state, rows=rows)
