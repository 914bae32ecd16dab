"""What several test files share: states, stores and processes to test with."""

import json
import os
import socket
import sqlite3
import sys
import tempfile
import threading
import unittest
from dataclasses import dataclass
from pathlib import Path

from cutter_agent.docstate import DocState
from cutter_agent.phases import PHASES, run_phase

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"

SCHEMA = """
create table documents (id text primary key, title text not null, body text not null);
create table information_units (
    id text primary key, document_id text not null references documents (id),
    address text not null, position integer not null, kind text not null, role text not null,
    title text not null, body text not null, lang text not null, refs text not null,
    score integer not null, verdict text not null, digest text not null,
    unique (document_id, address)
);
"""

DOCUMENTS = (
    ("A-1", "First", "Article 1. Scope\n1. The keeper must file each record.\n2. See Article 2."),
    ("B-2", "Second", "Điều 1. Phạm vi\n1. Người giữ tài liệu phải ghi sổ mỗi ngày."),
)
#: How many units the two documents have together.
UNITS = 5


def state_of(*lines, document_id="D", title="T", existing=None):
    """A fresh state over the given lines."""
    return DocState(document_id, title, "\n".join(lines), existing or {})


def run_to(phase, state):
    """The state after every phase up to and including the named one."""
    for name in PHASES:
        state = run_phase(name, state)
        if name == phase:
            return state
    raise AssertionError(phase)


def codes(state):
    """The findings of a state, as (code, address)."""
    return [(finding.code, finding.address) for finding in state.findings]


def fill(connection, documents=DOCUMENTS):
    """Put schema and documents into an open SQLite database."""
    connection.executescript(SCHEMA)
    connection.executemany("insert into documents values (?, ?, ?)", documents)
    connection.commit()


class TempDirCase(unittest.TestCase):
    """A test with a folder of its own, gone afterwards."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make_database(self, documents=DOCUMENTS):
        """The path of a new SQLite store with the documents in it."""
        path = self.folder / "store.db"
        connection = sqlite3.connect(path)
        fill(connection, documents)
        connection.close()
        return str(path)

    def sql(self, path, statement):
        """Run one statement on a SQLite store, past the code under test."""
        connection = sqlite3.connect(path)
        try:
            rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    def serve(self, answer, times=1):
        """A Unix socket that reads a line, answers and closes, so often; the questions it got."""
        path = str(self.folder / "gate")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()
        questions = []

        def work():
            for _ in range(times):
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link, link.makefile("rb") as lines:
                    questions.append(json.loads(lines.readline()))
                    link.sendall(answer)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)
        self.addCleanup(listener.close)
        self.addCleanup(lambda: thread.is_alive() and listener.shutdown(socket.SHUT_RDWR))
        return path, questions


ORCHESTRATOR = (sys.executable, "-m", "cutter_agent.orchestrator")
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


@dataclass
class Finished:
    """A process that has ended. ``records`` are the JSON lines it sent on descriptor 3."""

    code: int
    out: str
    err: str
    records: list


def orchestrate(folder, *argv, channel=True, **environ):
    """Run ``-m cutter_agent.orchestrator`` as a process, with descriptor 3 open or closed."""
    names = {descriptor: str(folder / f"fd{descriptor}") for descriptor in (1, 2, 3)}
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    opened = names if channel else {1: names[1], 2: names[2]}
    actions = [(os.POSIX_SPAWN_OPEN, fd, name, flags, 0o600) for fd, name in opened.items()]
    if not channel:
        actions.append((os.POSIX_SPAWN_CLOSE, 3))
    process = os.posix_spawn(
        sys.executable, [*ORCHESTRATOR, *argv], {**ENVIRONMENT, **environ}, file_actions=actions)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    read = {fd: Path(name).read_text("utf-8") for fd, name in opened.items()}
    records = [json.loads(line) for line in read.get(3, "").splitlines()]
    return Finished(code, read[1], read[2], records)
