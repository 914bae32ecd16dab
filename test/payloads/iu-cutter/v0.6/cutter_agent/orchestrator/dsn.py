"""Which store: from an argument, a file or the secret, to an address to connect to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

#: The secrets that hold the DSN of a role that may only read, and of one that may store units.
READER, WRITER = "governance_ro", "governance_rw"
SECRETS_DIR = "/run/keyturn/secrets"


class DsnError(Exception):
    """There is no usable DSN. The message never holds the DSN itself."""


@dataclass(frozen=True)
class Target:
    """Where a store is. Printing it shows no password.

    ``backend`` is ``sqlite`` with ``path``, or ``postgres`` with the rest; a
    ``host`` that begins with ``/`` is the folder of a Unix socket.
    """

    backend: str
    path: str = ""
    host: str = ""
    port: int = 5432
    user: str = ""
    password: str = ""
    database: str = ""

    def __str__(self) -> str:
        if self.backend == "sqlite":
            return f"sqlite:{self.path}"
        return f"postgres {self.database} at {self.host}:{self.port} as {self.user}"

    __repr__ = __str__


def resolve(
    store: str | None, dsn_file: str | None, environ: Mapping[str, str], secret: str = READER
) -> Target:
    """The first of: the argument, the named file, the secret. DsnError if there is none."""
    if store:
        return parse(store)
    if dsn_file:
        return parse(_read(Path(dsn_file)))
    path = Path(environ.get("KEYTURN_SECRETS_DIR") or SECRETS_DIR, secret)
    if not path.is_file():
        raise DsnError(f"no store given: use --store or --dsn-file, or provide the secret {secret}")
    return parse(_read(path))


def parse(text: str) -> Target:
    """``postgres://user:pass@host:port/db``, ``sqlite:///path``, or a plain path."""
    if re.match(r"postgres(ql)?://", text):
        return _postgres(text)
    if text.startswith("sqlite://"):
        path = unquote(urlsplit(text).path)
        if not path.strip("/"):
            raise DsnError("sqlite DSN names no file")
        return Target("sqlite", path=path)
    if "://" in text:
        raise DsnError("DSN is neither postgres:// nor sqlite://")
    return Target("sqlite", path=text)


def _postgres(text: str) -> Target:
    try:
        parts = urlsplit(text)
        port = parts.port or 5432
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise DsnError("postgres DSN cannot be read") from None
    if options.pop("sslmode", "disable") not in ("disable", "allow", "prefer"):
        raise DsnError("postgres DSN asks for TLS, which this client does not speak")
    host = unquote(parts.hostname or "") or options.pop("host", "")
    user, database = unquote(parts.username or ""), unquote(parts.path.lstrip("/"))
    if options:
        raise DsnError(f"postgres DSN has an unknown option {sorted(options)[0]!r}")
    if not (host and user):
        raise DsnError("postgres DSN needs a host and a user")
    return Target(
        "postgres", host=host, port=port, user=user,
        password=unquote(parts.password or ""), database=database or user,
    )


def _read(path: Path) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise DsnError(f"cannot read {path}: {reason}") from None
    if not text or "\n" in text:
        raise DsnError(f"{path} does not hold a DSN on one line")
    return text
