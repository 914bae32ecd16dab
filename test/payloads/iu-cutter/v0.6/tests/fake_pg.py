"""A PostgreSQL server of our own, on a Unix socket, that answers from a SQLite database.

It speaks the server's side of the protocol, written from its description and
not from the client: messages, four ways to log in, read-only transactions.
"""

import base64
import hashlib
import hmac
import socket
import sqlite3
import struct
import threading

USER, PASSWORD, SALT, ROUNDS = "cutter", "pa'ss wörd", b"0123456789abcdef", 4096


def _hmac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class FakePg:
    """Serves connections one after another until :meth:`stop`.

    ``auth`` is trust, password, md5, scram, scram-liar (proves nothing) or
    scram-mute (leaves its proof out). ``statements`` collects what was asked;
    ``shows`` is what SHOW answers instead of the truth.
    """

    def __init__(self, folder, auth="trust", fill=None):
        self.folder, self.auth, self.statements = str(folder), auth, []
        self.shows = ""
        self.database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        if fill:
            fill(self.database)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self.database.close()

    def _serve(self):
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with link, link.makefile("rb") as stream:
                try:
                    Session(self, link, stream).run()
                except (ConnectionError, struct.error):
                    pass
            if self.database.in_transaction:
                self.database.rollback()
            self.database.execute("pragma query_only = off")


class Session:
    def __init__(self, server, link, stream):
        self.server, self.link, self.stream = server, link, stream
        self.read_only = False

    def send(self, kind, payload=b""):
        self.link.sendall(kind + struct.pack("!I", len(payload) + 4) + payload)

    def receive(self):
        kind = self.stream.read(1)
        if not kind:
            raise ConnectionResetError
        return kind, self.stream.read(struct.unpack("!I", self.stream.read(4))[0] - 4)

    def fail(self, code, text):
        self.send(b"E", f"SERROR\0C{code}\0M{text}\0\0".encode())

    def run(self):
        size, version = struct.unpack("!II", self.stream.read(8))
        words = self.stream.read(size - 8).decode().split("\0")
        parameters = dict(zip(words[::2], words[1::2]))
        if version != 196608 or parameters["user"] != USER or not self.login():
            return self.fail("28P01", "password authentication failed")
        self.send(b"R", struct.pack("!I", 0))
        self.send(b"S", b"server_version\x00fake\x00")
        self.send(b"Z", b"I")
        while True:
            kind, payload = self.receive()
            if kind == b"X":
                return None
            self.query(payload[:-1].decode())
            self.send(b"Z", b"I")

    def login(self):
        auth = self.server.auth
        if auth == "password":
            self.send(b"R", struct.pack("!I", 3))
            return self.receive()[1] == PASSWORD.encode() + b"\0"
        if auth == "md5":
            self.send(b"R", struct.pack("!I", 5) + b"salt")
            inner = hashlib.md5((PASSWORD + USER).encode()).hexdigest().encode()
            wanted = "md5" + hashlib.md5(inner + b"salt").hexdigest()
            return self.receive()[1] == wanted.encode() + b"\0"
        return auth == "trust" or self.scram()

    def scram(self):
        self.send(b"R", struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0")
        first = self.receive()[1].partition(b"\0")[2][4:].decode()
        nonce = first.partition("r=")[2] + "server"
        salt = base64.b64encode(SALT).decode()
        challenge = f"r={nonce},s={salt},i={ROUNDS}"
        self.send(b"R", struct.pack("!I", 11) + challenge.encode())
        bare, _, proof = self.receive()[1].decode().rpartition(",p=")
        signed = f"{first[3:]},{challenge},{bare}".encode()
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, ROUNDS)
        stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
        pairs = zip(base64.b64decode(proof), _hmac(stored, signed))
        if hashlib.sha256(bytes(a ^ b for a, b in pairs)).digest() != stored:
            return False
        signature = _hmac(_hmac(salted, b"Server Key"), signed)
        if self.server.auth == "scram-liar":
            signature = bytes(32)
        if self.server.auth != "scram-mute":
            proof = b"v=" + base64.b64encode(signature)
            self.send(b"R", struct.pack("!I", 12) + proof)
        return True

    def query(self, sql):
        self.server.statements.append(sql)
        database, words = self.server.database, sql.lower().split()
        if words[0] in ("set", "show"):
            shown = self.server.shows or ("on" if self.read_only else "off")
            rows = [(shown,)] if words[0] == "show" else []
            return self.answer(rows, words[0].upper())
        try:
            if words[0] == "begin":
                self.read_only = words[-2:] == ["read", "only"]
                database.execute(f"pragma query_only = {'on' if self.read_only else 'off'}")
                sql = "begin"
            cursor = database.execute(sql)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            code = "25006" if "readonly" in str(error) else "42601"
            return self.fail(code, str(error))
        prefix = {"insert": "INSERT 0 ", "update": "UPDATE "}.get(words[0])
        return self.answer(rows, f"{prefix}{cursor.rowcount}" if prefix else words[0].upper())

    def answer(self, rows, tag):
        for row in rows:
            payload = struct.pack("!H", len(row))
            for value in row:
                data = b"" if value is None else str(value).encode()
                payload += struct.pack("!i", -1 if value is None else len(data)) + data
            self.send(b"D", payload)
        self.send(b"C", tag.encode() + b"\0")
