"""The command line of the orchestrator, in this process: arguments and exit codes."""

import contextlib
import io

from cutter_agent.orchestrator.__main__ import main
from cutter_agent.orchestrator.journal import Channel

from .support import UNITS, TempDirCase


class Main(TempDirCase):
    def run_main(self, *argv, **environ):
        self.shown, out, err = [], io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(argv, environ, Channel(None, self.shown.append))
            except SystemExit as stop:
                code = stop.code
        return code, out.getvalue(), err.getvalue()

    def test_help_names_both_modes(self):
        code, out, _ = self.run_main("--help")
        self.assertEqual(code, 0)
        self.assertIn("{dryrun,live}", out)

    def test_wrong_arguments_are_2(self):
        for why, argv in (
            ("the mode must be given", "--store x.db"),
            ("gates cannot be switched off", "--mode dryrun --no-stop"),
            ("two ways to name the store", "--mode dryrun --store a --dsn-file b"),
            ("a dry run does not follow", "--mode dryrun --follow"),
            ("who follows takes all documents", "--mode live --follow --document A-1"),
        ):
            with self.subTest(why):
                self.assertEqual(self.run_main(*argv.split())[0], 2)

    def test_missing_document_is_66(self):
        code, _, err = self.run_main(
            "--mode", "dryrun", "--store", self.make_database(), "--document", "C-3")
        self.assertEqual(code, 66)
        self.assertIn("C-3", err)

    def test_document_that_cannot_be_cut_is_65(self):
        path = self.make_database([("E-0", "Empty", " ")])
        code, _, err = self.run_main("--mode", "dryrun", "--store", path)
        self.assertEqual((code, self.shown), (65, []))
        self.assertIn("E-0: document has no text", err)

    def test_no_store_is_69(self):
        environ = {"KEYTURN_SECRETS_DIR": str(self.folder)}
        self.assertEqual(self.run_main("--mode", "dryrun", **environ)[0], 69)

    def run_live(self, *argv, **environ):
        gate, _ = self.serve(b'{"open":true}\n')
        (self.folder / "permit").write_text("token-1")
        return self.run_main(
            "--mode", "live", *argv,
            KEYTURN_PERMIT=str(self.folder / "permit"), KEYTURN_GATE_SOCKET=gate, **environ)

    def test_live_finds_its_store_by_the_secret_that_may_write(self):
        path = self.make_database()
        (self.folder / "governance_ro").write_text(path)
        code, _, err = self.run_live(KEYTURN_SECRETS_DIR=str(self.folder))
        self.assertEqual((code, "provide the secret governance_rw" in err), (69, True))
        (self.folder / "gate").unlink()
        (self.folder / "governance_rw").write_text(path)
        self.assertEqual(self.run_live(KEYTURN_SECRETS_DIR=str(self.folder))[0], 0)

    def test_live_with_a_gate_that_opens_stores_the_units(self):
        path = self.make_database()
        self.assertEqual(self.run_live("--store", path)[0], 0)
        self.assertIn(f'"inserted":{UNITS}', self.shown[0])
        self.assertEqual(self.sql(path, "select count(*) from information_units"), [(UNITS,)])
