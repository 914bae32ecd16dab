"""The store in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from .store import Store, StoreError, Value


class SqliteStore(Store):
    """Reading: URI ``mode=ro`` and ``PRAGMA query_only``. Never creates a file."""

    def __init__(self, path: str, *, writable: bool) -> None:
        super().__init__(writable=writable)
        mode = "rw" if writable else "ro"
        uri = f"file:{quote(str(Path(path).absolute()))}?mode={mode}"
        try:
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)
        except sqlite3.Error as error:
            raise StoreError(f"cannot open {path}: {error}") from None
        try:
            self._execute("pragma foreign_keys = on")
            if not writable:
                self._execute("pragma query_only = on")
            self._begin()
        except StoreError as error:
            self._connection.close()
            raise StoreError(f"cannot open {path}: {error}") from None

    def _begin(self) -> None:
        self._execute("begin immediate" if self.writable else "begin")
        self._execute("select count(*) from sqlite_master").fetchall()

    def _execute(self, sql: str, values: Sequence[Value] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, tuple(values))
        except sqlite3.Error as error:
            raise StoreError(str(error)) from None

    def _rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        return self._execute(sql, values).fetchall()

    def _change(self, sql: str, values: Sequence[Value]) -> int:
        return self._execute(sql, values).rowcount

    @property
    def mutations(self) -> int:
        return self._connection.total_changes

    def commit(self) -> None:
        self._execute("commit")

    def close(self) -> None:
        if self._connection.in_transaction:
            self._connection.rollback()
        self._connection.close()
