"""What every store does, over SQLite and over the PostgreSQL protocol, and what each does alone."""

import sqlite3
from pathlib import Path

from cutter_agent.docstate import ChangeSet
from cutter_agent.orchestrator.dsn import Target
from cutter_agent.orchestrator.pg_store import PgStore
from cutter_agent.orchestrator.sqlite_store import SqliteStore
from cutter_agent.orchestrator.store import Counts, NoSuchDocument, ReadOnlyStore, StoreError
from cutter_agent.phases import run_all

from .fake_pg import USER, FakePg
from .support import DOCUMENTS, TempDirCase, fill, state_of


def changes_of(document_id, title, body, existing=None):
    return run_all(state_of(body, document_id=document_id, title=title, existing=existing)).changes


class StoreContract:
    """Inherited by a test case per implementation; ``open(writable)`` opens the same store."""

    def test_documents_come_in_order_of_id_with_their_text(self):
        with self.open(False) as store:
            found = [(source.id, source.title, source.body) for source in store.documents()]
        self.assertEqual(found, list(DOCUMENTS))

    def test_document_by_id_takes_the_id_as_a_value(self):
        with self.open(False) as store:
            self.assertEqual(store.document("B-2").title, "Second")
            with self.assertRaises(NoSuchDocument):
                store.document("x' or '1'='1")

    def test_committed_changes_are_there_for_the_next_run(self):
        changes = changes_of(*DOCUMENTS[1])
        with self.open(True) as store:
            self.assertEqual((store.apply([changes]), store.mutations), (2, 2))
            store.commit()
        with self.open(False) as store:
            stored = {row.address: row.digest for row in changes.insert}
            self.assertEqual(store.existing("B-2"), stored)
            self.assertEqual(store.counts(), Counts(2, 2))

    def test_closing_without_a_commit_changes_nothing(self):
        with self.open(True) as store:
            store.apply([changes_of(*DOCUMENTS[0])])
            self.assertEqual(store.counts(), Counts(2, 3))
        with self.open(False) as store:
            self.assertEqual(store.counts(), Counts(2, 0))

    def test_update_changes_the_row_in_place(self):
        with self.open(True) as store:
            store.apply([changes_of(*DOCUMENTS[1])])
            body = "Điều 1. Phạm vi\n1. Người giữ tài liệu có quyền 'ghi sổ'; mỗi ngày?"
            later = changes_of("B-2", "Second", body, store.existing("B-2"))
            self.assertEqual((len(later.insert), len(later.update), later.unchanged), (0, 1, 1))
            self.assertEqual(store.apply([later]), 1)
            self.assertEqual(store.existing("B-2")["article:1/clause:1"], later.update[0].digest)

    def test_update_of_a_row_that_is_gone_is_an_error(self):
        rows = changes_of(*DOCUMENTS[1]).insert
        with self.open(True) as store, self.assertRaisesRegex(StoreError, "not in the store"):
            store.apply([ChangeSet(update=rows)])

    def test_store_opened_for_reading_takes_no_changes(self):
        with self.open(False) as store, self.assertRaises(ReadOnlyStore):
            store.apply([changes_of(*DOCUMENTS[0])])

    def test_connection_opened_for_reading_refuses_by_itself(self):
        with self.open(False) as store:
            store.writable = True
            with self.assertRaisesRegex(StoreError, "readonly"):
                store.apply([changes_of(*DOCUMENTS[0])])
            self.assertEqual(store.mutations, 0)


class SqliteStoreTest(StoreContract, TempDirCase):
    def setUp(self):
        super().setUp()
        self.path = self.make_database()

    def open(self, writable):
        return SqliteStore(self.path, writable=writable)

    def test_reading_leaves_every_byte_of_the_file(self):
        before = Path(self.path).read_bytes()
        with self.open(False) as store:
            store.counts()
        self.assertEqual(Path(self.path).read_bytes(), before)

    def test_missing_file_is_not_created(self):
        path = self.folder / "none.db"
        for writable in (False, True):
            with self.assertRaisesRegex(StoreError, "cannot open"):
                SqliteStore(str(path), writable=writable)
        self.assertFalse(path.exists())

    def test_file_that_is_no_database_is_refused(self):
        path = self.folder / "text.db"
        path.write_text("no database " * 100)
        with self.assertRaisesRegex(StoreError, "not a database"):
            SqliteStore(str(path), writable=False)

    def test_path_with_special_characters_is_a_path(self):
        path = self.folder / "a?mode=rw#b.db"
        connection = sqlite3.connect(path)
        fill(connection)
        connection.close()
        with SqliteStore(str(path), writable=False) as store:
            self.assertEqual(store.counts().documents, 2)


class PgStoreTest(StoreContract, TempDirCase):
    def setUp(self):
        super().setUp()
        self.server = FakePg(self.folder, fill=fill)
        self.addCleanup(self.server.stop)
        self.target = Target("postgres", host=str(self.folder), user=USER, database="directus")

    def open(self, writable):
        return PgStore(self.target, writable=writable)

    def test_reading_begins_with_a_read_only_session_and_transaction(self):
        self.open(False).close()
        self.assertEqual(self.server.statements, [
            "set default_transaction_read_only = on",
            "begin isolation level repeatable read read only",
            "show transaction_read_only",
        ])

    def test_server_that_does_not_confirm_reading_is_refused(self):
        self.server.shows = "off"
        with self.assertRaisesRegex(StoreError, "did not begin a read only"):
            self.open(False)

    def test_error_of_the_server_names_its_state(self):
        self.server.database.execute("drop table information_units")
        with self.open(False) as store, self.assertRaisesRegex(StoreError, "SQLSTATE 42601"):
            store.counts()

    def test_server_that_is_not_there_is_refused_without_the_password(self):
        target = Target("postgres", host="/nowhere", user=USER, password="s3cret", database="d")
        with self.assertRaisesRegex(StoreError, "cannot open postgres d at /nowhere") as caught:
            PgStore(target, writable=False)
        self.assertNotIn("s3cret", str(caught.exception))
