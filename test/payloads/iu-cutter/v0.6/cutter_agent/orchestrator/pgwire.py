"""A small PostgreSQL client: protocol 3.0, simple queries, text results.

Speaks over TCP or a Unix socket, without TLS. Authenticates by trust,
password, MD5 or SCRAM-SHA-256 (RFC 7677). A password in clear text is sent
only over a Unix socket or to this host itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import struct
import unicodedata
from collections.abc import Iterator, Sequence

from .dsn import Target

TIMEOUT = 30.0
MAX_MESSAGE = 64 * 1024 * 1024


class PgError(Exception):
    """The server reported an error, or did not keep to the protocol."""


def message(kind: bytes, payload: bytes = b"") -> bytes:
    """A message: its kind (empty at startup), its length, its payload."""
    return kind + struct.pack("!I", len(payload) + 4) + payload


def startup(parameters: dict[str, str]) -> bytes:
    """The first message, with the session's parameters."""
    pairs = b"".join(f"{key}\0{value}\0".encode() for key, value in parameters.items())
    return message(b"", struct.pack("!I", 3 << 16) + pairs + b"\0")


def data_row(payload: bytes) -> tuple[str | None, ...]:
    """The values of a row; None for SQL NULL. PgError if the payload is cut short."""
    values: list[str | None] = []
    try:
        (count,), at = struct.unpack_from("!H", payload), 2
        for _ in range(count):
            (size,), at = struct.unpack_from("!i", payload, at), at + 4
            values.append(None if size < 0 else payload[at:at + size].decode())
            at += max(size, 0)
    except (struct.error, UnicodeDecodeError):
        raise PgError("malformed row") from None
    if at != len(payload):
        raise PgError("malformed row")
    return tuple(values)


def error_text(payload: bytes) -> str:
    """Message and SQLSTATE of an error."""
    parts = payload.decode("utf-8", "replace").split("\0")
    fields = {part[0]: part[1:] for part in parts if part}
    return f"{fields.get('M', 'unknown error')} (SQLSTATE {fields.get('C', '?')})"


def affected(tag: str) -> int:
    """Rows changed, from a command tag such as ``INSERT 0 5``; 0 for any other command."""
    words = tag.split()
    return int(words[-1]) if words and words[0] in ("INSERT", "UPDATE", "DELETE", "MERGE") else 0


def quote(value: str | int | None) -> str:
    """A value as an SQL literal, under standard_conforming_strings. PgError for NUL."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    if "\0" in value:
        raise PgError("a text value cannot contain NUL")
    return "'" + value.replace("'", "''") + "'"


def bind(sql: str, values: Sequence[str | int | None]) -> str:
    """The statement with each ``?`` replaced by a literal. ValueError if they do not match."""
    parts = sql.split("?")
    if len(parts) != len(values) + 1:
        raise ValueError(f"{len(parts) - 1} places for {len(values)} values")
    return parts[0] + "".join(quote(value) + part for value, part in zip(values, parts[1:]))


def md5_response(user: str, password: str, salt: bytes) -> str:
    """The answer to an MD5 challenge."""
    inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
    return "md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest()


class Scram:
    """One SCRAM-SHA-256 exchange, client side, without channel binding."""

    def __init__(self, password: str, user: str = "", nonce: str | None = None) -> None:
        self._password = unicodedata.normalize("NFKC", password).encode()
        self._nonce = nonce or base64.b64encode(secrets.token_bytes(18)).decode()
        self._bare = f"n={user},r={self._nonce}"
        self._signature = b""

    def first(self) -> str:
        """client-first-message. PostgreSQL takes the user from startup, so n= is empty there."""
        return "n,," + self._bare

    def final(self, challenge: str) -> str:
        """client-final-message for the server's challenge."""
        fields = _scram_fields(challenge)
        try:
            nonce, rounds = fields["r"], int(fields["i"])
            salt = base64.b64decode(fields["s"], validate=True)
        except (KeyError, ValueError):
            raise PgError("malformed SCRAM challenge") from None
        if not nonce.startswith(self._nonce) or nonce == self._nonce or not 1 <= rounds <= 10**6:
            raise PgError("SCRAM challenge does not answer this client")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        bare = f"c=biws,r={nonce}"
        signed = f"{self._bare},{challenge},{bare}".encode()
        key = _hmac(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, _hmac(hashlib.sha256(key).digest(), signed)))
        self._signature = _hmac(_hmac(salted, b"Server Key"), signed)
        return f"{bare},p={base64.b64encode(proof).decode()}"

    def verify(self, outcome: str) -> None:
        """Check that the server knows the password too. PgError if it does not."""
        expected = base64.b64encode(self._signature).decode()
        given = _scram_fields(outcome).get("v", "")
        if not self._signature or not hmac.compare_digest(given.encode(), expected.encode()):
            raise PgError("the server could not prove that it knows the password")


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _scram_fields(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split(","))


class PgConnection:
    """A session on an open socket."""

    def __init__(self, link: socket.socket, *, private: bool) -> None:
        self._link = link
        self._input = link.makefile("rb")
        self._private = private
        self._proof_due = False
        #: Rows changed in this session so far, as the server counted them.
        self.changed = 0

    @classmethod
    def connect(cls, target: Target) -> PgConnection:
        """Open a session. PgError or OSError when that fails."""
        local = target.host.startswith("/")
        if local:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            link = socket.create_connection((target.host, target.port), TIMEOUT)
        try:
            link.settimeout(TIMEOUT)
            if local:
                link.connect(f"{target.host}/.s.PGSQL.{target.port}")
            private = local or link.getpeername()[0] in ("127.0.0.1", "::1")
            connection = cls(link, private=private)
            connection.start(target.user, target.password, target.database)
            return connection
        except BaseException:
            link.close()
            raise

    def start(self, user: str, password: str, database: str) -> None:
        """Log in and wait until the server is ready."""
        self._link.sendall(startup({
            "user": user, "database": database, "client_encoding": "UTF8",
            "standard_conforming_strings": "on", "application_name": "iu-cutter",
        }))
        scram = Scram(password)
        for kind, payload in self._messages():
            if kind == b"R":
                self._authenticate(payload, user, password, scram)
            elif kind == b"E":
                raise PgError(error_text(payload))

    def _authenticate(self, payload: bytes, user: str, password: str, scram: Scram) -> None:
        (method,), rest = struct.unpack_from("!I", payload), payload[4:]
        if method == 0:
            if self._proof_due:
                raise PgError("the server left out its own proof")
            return
        if method == 3:
            if not self._private:
                raise PgError("will not send a password in clear text to another host")
            self._send(b"p", password.encode() + b"\0")
        elif method == 5:
            self._send(b"p", md5_response(user, password, rest[:4]).encode() + b"\0")
        elif method == 10 and b"SCRAM-SHA-256" in rest.split(b"\0"):
            self._proof_due = True
            first = scram.first().encode()
            self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", len(first)) + first)
        elif method == 11:
            self._send(b"p", scram.final(rest.decode()).encode())
        elif method == 12:
            scram.verify(rest.decode())
            self._proof_due = False
        else:
            raise PgError(f"authentication method {method} is not supported")

    def query(self, sql: str) -> tuple[list[tuple[str | None, ...]], int]:
        """Rows and changed rows of one statement. PgError leaves the session usable."""
        self._send(b"Q", sql.encode() + b"\0")
        rows, changed, error = [], 0, ""
        for kind, payload in self._messages():
            if kind == b"D":
                rows.append(data_row(payload))
            elif kind == b"C":
                changed += affected(payload[:-1].decode())
            elif kind == b"E":
                error = error or error_text(payload)
            elif kind in (b"G", b"H", b"W"):
                raise PgError("COPY is not supported")
        self.changed += changed
        if error:
            raise PgError(error)
        return rows, changed

    def close(self) -> None:
        """Say goodbye and close; a server that is gone already is no error."""
        try:
            self._send(b"X")
        except OSError:
            pass
        self._input.close()
        self._link.close()

    def _send(self, kind: bytes, payload: bytes = b"") -> None:
        self._link.sendall(message(kind, payload))

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Messages up to ReadyForQuery. PgError when the connection ends before it."""
        while True:
            head = self._input.read(5)
            size = struct.unpack("!I", head[1:])[0] - 4 if len(head) == 5 else -1
            if not 0 <= size <= MAX_MESSAGE:
                raise PgError("the server ended the connection")
            payload = self._input.read(size)
            if len(payload) != size:
                raise PgError("the server ended the connection")
            if head[:1] == b"Z":
                return
            yield head[:1], payload
