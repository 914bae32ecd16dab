"""The document store: what a run may ask of it. All SQL of the package is here.

SQL is written once, with ``?`` for a value, in what SQLite and PostgreSQL
have in common; an implementation supplies the connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from ..docstate import ChangeSet, Row

Value = str | int | None

_COLUMNS = tuple(field.name for field in fields(Row))
_INSERT = (
    f"insert into information_units ({', '.join(_COLUMNS)})"
    f" values ({', '.join('?' * len(_COLUMNS))})"
)
_UPDATE = (
    f"update information_units set {', '.join(f'{name} = ?' for name in _COLUMNS[1:])} where id = ?"
)


class StoreError(Exception):
    """The store cannot be opened, read or written; the message names no password."""


class ReadOnlyStore(StoreError):
    """A change was asked of a store that was opened for reading."""


class NoSuchDocument(StoreError):
    """A document that was asked for by id is not in the store."""


@dataclass(frozen=True)
class Counts:
    """Rows in the two tables. The same two numbers a deployer compares around a dry run."""

    documents: int
    units: int

    def __post_init__(self) -> None:
        if self.documents < 0 or self.units < 0:
            raise ValueError("a count is never negative")

    def __str__(self) -> str:
        return f"documents {self.documents}, units {self.units}"

    def growth(self, after: Counts) -> tuple[int, int]:
        """By how many documents and units ``after`` differs from this."""
        return after.documents - self.documents, after.units - self.units


@dataclass(frozen=True)
class SourceDocument:
    """A document as the store has it."""

    id: str
    title: str
    body: str


class Store(ABC):
    """One connection in one transaction, so that a run sees one state of the store.

    Opened with ``writable=False`` the connection itself refuses to change
    anything. Closing without :meth:`commit` changes nothing.
    """

    def __init__(self, *, writable: bool) -> None:
        self.writable = writable

    @property
    @abstractmethod
    def mutations(self) -> int:
        """Rows this connection has changed, as its driver or server counts them."""

    @abstractmethod
    def _rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        """All rows of a query."""

    @abstractmethod
    def _change(self, sql: str, values: Sequence[Value]) -> int:
        """Execute one statement; the number of rows it changed."""

    @abstractmethod
    def commit(self) -> None:
        """Make the changes last. The store is good for nothing but :meth:`close` after."""

    @abstractmethod
    def close(self) -> None:
        """Roll back what is not committed and let go of the connection."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def documents(self) -> list[SourceDocument]:
        """Every document, in order of its id's bytes."""
        found = [_source(row) for row in self._rows("select id, title, body from documents")]
        return sorted(found, key=lambda document: document.id)

    def document(self, name: str) -> SourceDocument:
        """One document. NoSuchDocument if there is none of that id."""
        rows = self._rows("select id, title, body from documents where id = ?", (name,))
        if not rows:
            raise NoSuchDocument(f"no document {name!r} in the store")
        return _source(rows[0])

    def existing(self, document_id: str) -> dict[str, str]:
        """Address and digest of each stored unit of a document, in order of address."""
        rows = self._rows(
            "select address, digest from information_units where document_id = ?", (document_id,)
        )
        return dict(sorted((str(address), str(digest)) for address, digest in rows))

    def counts(self) -> Counts:
        """How many documents and units the store holds."""
        tables = ("documents", "information_units")
        return Counts(*(int(self._rows(f"select count(*) from {t}")[0][0] or 0) for t in tables))

    def apply(self, changes: Iterable[ChangeSet]) -> int:
        """Make every insert and update, up to :meth:`commit`; the number of rows changed.

        ReadOnlyStore when opened for reading. StoreError when a row to update
        is not there.
        """
        if not self.writable:
            raise ReadOnlyStore("the store was opened for reading")
        changed = 0
        for change in changes:
            for row in change.insert:
                changed += self._change(_INSERT, [getattr(row, name) for name in _COLUMNS])
            for row in change.update:
                values = [getattr(row, name) for name in _COLUMNS[1:]] + [row.id]
                if self._change(_UPDATE, values) != 1:
                    raise StoreError(f"unit {row.id} is not in the store")
                changed += 1
        return changed


def _source(row: Sequence[Value]) -> SourceDocument:
    return SourceDocument(*(str(value or "") for value in row))
