"""The PostgreSQL client: its messages, its literals, and logging in."""

import socket
import unittest

from cutter_agent.orchestrator import pgwire
from cutter_agent.orchestrator.dsn import Target
from cutter_agent.orchestrator.pgwire import PgConnection, PgError

from .fake_pg import PASSWORD, USER, FakePg
from .support import TempDirCase


class Messages(unittest.TestCase):
    def test_startup_is_protocol_3_with_pairs(self):
        self.assertEqual(pgwire.startup({"user": "u"}),
                         b"\x00\x00\x00\x10\x00\x03\x00\x00user\x00u\x00\x00")

    def test_length_counts_itself_and_not_the_kind(self):
        self.assertEqual(pgwire.message(b"Q", b"select 1\0"), b"Q\x00\x00\x00\x0dselect 1\x00")

    def test_row_with_text_null_and_empty(self):
        payload = b"\x00\x03\x00\x00\x00\x02\xc3\xb6\xff\xff\xff\xff\x00\x00\x00\x00"
        self.assertEqual(pgwire.data_row(payload), ("ö", None, ""))

    def test_row_cut_short_is_an_error(self):
        with self.assertRaisesRegex(PgError, "malformed"):
            pgwire.data_row(b"\x00\x01\x00\x00\x00\x05ab")

    def test_error_gives_message_and_state(self):
        self.assertEqual(pgwire.error_text(b"SERROR\0C42P01\0Mno such table\0\0"),
                         "no such table (SQLSTATE 42P01)")

    def test_affected_counts_changes_and_not_reads(self):
        tags = ("INSERT 0 5", "UPDATE 2", "DELETE 1", "SELECT 9", "BEGIN", "")
        self.assertEqual([pgwire.affected(tag) for tag in tags], [5, 2, 1, 0, 0, 0])

    def test_md5_response(self):
        self.assertEqual(pgwire.md5_response("user", "pencil", b"salt"),
                         "md5d3d9bcccbaa2fb5234570d4d0f22b055")


class Literals(unittest.TestCase):
    def test_quotes_are_doubled_and_backslashes_kept(self):
        self.assertEqual(pgwire.quote("a'b\\'c"), "'a''b\\''c'")

    def test_number_and_null(self):
        self.assertEqual((pgwire.quote(-3), pgwire.quote(None)), ("-3", "NULL"))

    def test_nul_is_refused(self):
        with self.assertRaisesRegex(PgError, "NUL"):
            pgwire.quote("a\0b")

    def test_question_mark_in_a_value_is_no_place(self):
        self.assertEqual(pgwire.bind("a = ? and b = ?", ["?", 1]), "a = '?' and b = 1")

    def test_missing_value_is_refused(self):
        with self.assertRaisesRegex(ValueError, "2 places for 1 values"):
            pgwire.bind("a = ? and b = ?", [1])


class Login(TempDirCase):
    def connect(self, auth, password=PASSWORD):
        server = FakePg(self.folder, auth)
        self.addCleanup(server.stop)
        connection = PgConnection.connect(Target(
            "postgres", host=str(self.folder), user=USER, password=password, database="d"))
        self.addCleanup(connection.close)
        return connection

    def test_md5(self):
        self.assertEqual(self.connect("md5").query("select 1, 'ö'"), ([("1", "ö")], 0))

    def test_password_over_a_unix_socket(self):
        self.assertEqual(self.connect("password").query("select 1")[0], [("1",)])

    def test_password_is_never_sent_in_clear_text_to_another_host(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(pgwire.message(b"R", b"\0\0\0\3"))
            theirs.shutdown(socket.SHUT_WR)
            connection = PgConnection(ours, private=False)
            with self.assertRaisesRegex(PgError, "clear text"):
                connection.start(USER, PASSWORD, "d")
            connection.close()
            self.assertNotIn(PASSWORD.encode(), theirs.recv(4096))

    def test_error_leaves_the_session_usable(self):
        connection = self.connect("trust")
        with self.assertRaisesRegex(PgError, "syntax error"):
            connection.query("selec 1")
        self.assertEqual(connection.query("select 2")[0], [("2",)])

    def test_server_that_hangs_up_is_an_error(self):
        ours, theirs = socket.socketpair()
        with ours:
            theirs.sendall(b"R\0\0\0")
            theirs.close()
            connection = PgConnection(ours, private=True)
            with self.assertRaises((PgError, OSError)):
                connection.start(USER, PASSWORD, "d")
            connection.close()
