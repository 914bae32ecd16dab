"""The state of a run: every chosen document, at the same phase."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..docstate import ChangeSet, DocState, fingerprint
from ..phases import run_phase
from .store import Store


@dataclass(frozen=True)
class RunState:
    """Values only, like the documents in it: :meth:`advance` returns a new one."""

    documents: tuple[DocState, ...]

    @classmethod
    def load(cls, store: Store, chosen: Iterable[str] = ()) -> RunState:
        """Read the chosen documents, or all of them, and what the store has of each.

        Documents are in order of their id and occur once however often chosen.
        Raises NoSuchDocument when one is not there.
        """
        wanted = sorted(set(chosen))
        sources = [store.document(name) for name in wanted] if wanted else store.documents()
        return cls(tuple(
            DocState(source.id, source.title, source.body, store.existing(source.id))
            for source in sources
        ))

    def advance(self, phase: str) -> RunState:
        """Take every document through one phase. PhaseError if one of them cannot go."""
        return replace(self, documents=tuple(run_phase(phase, doc) for doc in self.documents))

    def changes(self) -> list[ChangeSet]:
        """What each document would change in the store."""
        return [doc.changes for doc in self.documents]

    def total(self, what: str) -> int:
        """How many of one of these there are: units, findings, units to review;
        or of the changes: insert, update, unchanged, orphaned.
        """
        return sum(_TOTALS[what](doc) for doc in self.documents)

    def digest(self) -> str:
        """One fingerprint of all documents: what a person approves at a stop gate."""
        return fingerprint([doc.digest() for doc in self.documents])


_TOTALS = {
    "units": lambda doc: sum(draft.verdict != "skip" for draft in doc.drafts),
    "findings": lambda doc: len(doc.findings),
    "review": lambda doc: sum(draft.verdict == "review" for draft in doc.drafts),
    "insert": lambda doc: len(doc.changes.insert),
    "update": lambda doc: len(doc.changes.update),
    "unchanged": lambda doc: doc.changes.unchanged,
    "orphaned": lambda doc: len(doc.changes.orphaned),
}
