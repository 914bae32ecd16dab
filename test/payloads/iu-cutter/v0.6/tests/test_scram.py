"""SCRAM-SHA-256: the vectors of RFC 7677, and exchanges that must fail."""

import unittest

from cutter_agent.orchestrator.dsn import Target
from cutter_agent.orchestrator.pgwire import PgConnection, PgError, Scram

from .fake_pg import PASSWORD, USER, FakePg
from .support import TempDirCase

CHALLENGE = (
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
FINAL = (
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
PROOF = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


class Rfc7677(unittest.TestCase):
    def setUp(self):
        self.scram = Scram("pencil", "user", "rOprNGfwEbeRWgbNEkqO")

    def test_messages_are_those_of_the_vector(self):
        self.assertEqual(self.scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        self.assertEqual(self.scram.final(CHALLENGE), FINAL)
        self.scram.verify(PROOF)

    def test_other_proof_of_the_server_is_refused(self):
        self.scram.final(CHALLENGE)
        with self.assertRaisesRegex(PgError, "could not prove"):
            self.scram.verify(PROOF.replace("6rri", "7rri"))

    def test_proof_before_the_exchange_is_refused(self):
        with self.assertRaisesRegex(PgError, "could not prove"):
            self.scram.verify("v=")

    def test_challenge_for_another_nonce_is_refused(self):
        with self.assertRaisesRegex(PgError, "does not answer"):
            self.scram.final(CHALLENGE.replace("rOpr", "rOps"))


class Exchange(TempDirCase):
    def connect(self, auth, password=PASSWORD):
        server = FakePg(self.folder, auth)
        self.addCleanup(server.stop)
        connection = PgConnection.connect(Target(
            "postgres", host=str(self.folder), user=USER, password=password, database="d"))
        self.addCleanup(connection.close)
        return connection

    def test_right_password_logs_in(self):
        self.assertEqual(self.connect("scram").query("select 3")[0], [("3",)])

    def test_wrong_password_is_refused_by_the_server(self):
        with self.assertRaisesRegex(PgError, "28P01"):
            self.connect("scram", "guess")

    def test_server_that_leaves_its_proof_out_is_refused(self):
        with self.assertRaisesRegex(PgError, "left out"):
            self.connect("scram-mute")
