"""One document on its way through the phases. Values only: a phase returns a new state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from .model import Block, Unit


class PhaseError(Exception):
    """A phase cannot do its work on this document; the message says why in one line."""


def fingerprint(value: object) -> str:
    """SHA-256 of a value's canonical JSON: equal values, equal fingerprints."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Finding:
    """Something a person should know. ``address`` is empty for the document as a whole."""

    code: str
    address: str
    detail: str


@dataclass(frozen=True)
class Draft:
    """A unit with what the phases have learnt about it so far."""

    unit: Unit
    role: str = ""
    refs: tuple[str, ...] = ()
    duplicate_of: str = ""
    score: int = 100
    verdict: str = ""


@dataclass(frozen=True)
class Row:
    """A unit as the store keeps it. ``digest`` covers every other column."""

    id: str
    document_id: str
    address: str
    position: int
    kind: str
    role: str
    title: str
    body: str
    lang: str
    refs: str
    score: int
    verdict: str
    digest: str


@dataclass(frozen=True)
class ChangeSet:
    """What storing the rows would do. ``orphaned`` addresses are reported, never deleted."""

    insert: tuple[Row, ...] = ()
    update: tuple[Row, ...] = ()
    unchanged: int = 0
    orphaned: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocState:
    """The document, the store's view of it (``existing``: address to digest), and the results."""

    document_id: str
    title: str
    source: str
    existing: Mapping[str, str] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    text: str = ""
    lang: str = ""
    blocks: tuple[Block, ...] = ()
    drafts: tuple[Draft, ...] = ()
    findings: tuple[Finding, ...] = ()
    rows: tuple[Row, ...] = ()
    changes: ChangeSet = ChangeSet()

    def noting(self, *findings: Finding) -> DocState:
        """The same state with findings added at the end."""
        return replace(self, findings=self.findings + findings)

    def by_address(self) -> dict[str, Draft]:
        """The drafts by their unit's address."""
        return {draft.unit.address: draft for draft in self.drafts}

    def digest(self) -> str:
        """Fingerprint of everything in the state, for telling whether two runs saw the same."""
        return fingerprint(asdict(self))
