"""Commit: what storing the rows would change. It decides; it stores nothing."""

from __future__ import annotations

from dataclasses import replace

from ..docstate import ChangeSet, DocState, Finding


def run(state: DocState) -> DocState:
    """Compare the rows with what the store has, by address and digest.

    A stored unit the document no longer has is orphaned: found, and left in
    the store, since something else may cite it.
    """
    known = state.existing
    insert = tuple(row for row in state.rows if row.address not in known)
    update = tuple(
        row for row in state.rows if row.address in known and known[row.address] != row.digest
    )
    orphaned = tuple(sorted(set(known) - {row.address for row in state.rows}))
    changes = ChangeSet(insert, update, len(state.rows) - len(insert) - len(update), orphaned)
    return replace(state, changes=changes).noting(
        *(Finding("orphaned", address, "stored but no longer cut") for address in orphaned)
    )
