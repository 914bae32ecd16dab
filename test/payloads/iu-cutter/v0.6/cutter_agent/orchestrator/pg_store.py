"""The store in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Sequence

from .dsn import Target
from .pgwire import PgConnection, PgError, bind
from .store import Store, StoreError, Value


class PgStore(Store):
    """Reading: the session defaults to read only, and the one transaction is READ ONLY.

    The isolation is repeatable read, so counts before and after agree unless
    this connection changed something itself.
    """

    def __init__(self, target: Target, *, writable: bool) -> None:
        super().__init__(writable=writable)
        try:
            self._connection = PgConnection.connect(target)
        except (PgError, OSError) as error:
            raise StoreError(f"cannot open {target}: {error}") from None
        try:
            if not writable:
                self._rows("set default_transaction_read_only = on")
            self._begin()
        except StoreError:
            self._connection.close()
            raise

    def _begin(self) -> None:
        kind = "read write" if self.writable else "read only"
        self._rows(f"begin isolation level repeatable read {kind}")
        wanted = "off" if self.writable else "on"
        if self._rows("show transaction_read_only") != [(wanted,)]:
            raise StoreError(f"the server did not begin a {kind} transaction")

    def _query(self, sql: str, values: Sequence[Value]) -> tuple[list[tuple[Value, ...]], int]:
        try:
            rows, changed = self._connection.query(bind(sql, values))
            return list(rows), changed
        except (PgError, OSError) as error:
            raise StoreError(str(error)) from None

    def _rows(self, sql: str, values: Sequence[Value] = ()) -> list[tuple[Value, ...]]:
        return self._query(sql, values)[0]

    def _change(self, sql: str, values: Sequence[Value]) -> int:
        return self._query(sql, values)[1]

    @property
    def mutations(self) -> int:
        return self._connection.changed

    def commit(self) -> None:
        self._rows("commit")

    def close(self) -> None:
        self._connection.close()
