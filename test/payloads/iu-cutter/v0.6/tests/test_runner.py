"""The runner: what each mode opens, in which order, and what is left behind."""

from unittest import mock

from cutter_agent.orchestrator import Mode, OrchestratorRunner
from cutter_agent.orchestrator.closeout import CloseoutError
from cutter_agent.orchestrator.gates import TokenRefused
from cutter_agent.orchestrator.journal import Journal
from cutter_agent.orchestrator.permit import LiveRefused
from cutter_agent.orchestrator.sqlite_store import SqliteStore

from .support import UNITS, TempDirCase


class RunnerCase(TempDirCase):
    def setUp(self):
        super().setUp()
        self.path = self.make_database()
        self.opened = []

    def open_store(self, writable):
        self.opened.append(writable)
        return SqliteStore(self.path, writable=writable)

    def run_once(self, mode, **options):
        return OrchestratorRunner(mode, self.open_store, **options).run()

    def units(self):
        return self.sql(self.path, "select count(*) from information_units")[0][0]


class DryRun(RunnerCase):
    def test_store_is_opened_for_reading(self):
        self.run_once(Mode.DRYRUN)
        self.assertEqual(self.opened, [False])

    def test_damaged_token_is_refused_before_the_store_is_opened(self):
        with self.assertRaises(TokenRefused):
            self.run_once(Mode.DRYRUN, resume="x")
        self.assertEqual(self.opened, [])

    def test_journal_is_the_same_each_time(self):
        journals = Journal(), Journal()
        for journal in journals:
            self.run_once(Mode.DRYRUN, journal=journal)
        self.assertEqual(journals[0].lines, journals[1].lines)
        self.assertIn("gate: SG1 stops the run", journals[0].lines[-1])

    def test_permit_is_not_asked_for(self):
        obtain = mock.Mock()
        self.run_once(Mode.DRYRUN, obtain_permit=obtain)
        obtain.assert_not_called()


class Live(RunnerCase):
    def test_without_a_gate_it_is_refused_before_the_store_is_opened(self):
        with self.assertRaises(LiveRefused):
            self.run_once(Mode.LIVE)
        self.assertEqual(self.opened, [])

    def test_refusal_of_the_gate_opens_no_store(self):
        with self.assertRaises(LiveRefused):
            self.run_once(Mode.LIVE, obtain_permit=mock.Mock(side_effect=LiveRefused("no")))
        self.assertEqual(self.opened, [])

    def test_with_leave_it_stores_the_units(self):
        outcome = self.run_once(Mode.LIVE, obtain_permit=lambda: None)
        self.assertEqual(outcome.record["closeout"]["inserted"], UNITS)
        self.assertEqual((self.opened, self.units()), ([True], UNITS))

    def test_second_run_finds_nothing_to_do(self):
        self.run_once(Mode.LIVE, obtain_permit=lambda: None)
        closeout = self.run_once(Mode.LIVE, obtain_permit=lambda: None).record["closeout"]
        self.assertEqual((closeout["inserted"], closeout["mutations"]), (0, 0))

    def test_only_the_chosen_document_is_stored(self):
        self.run_once(Mode.LIVE, documents=["B-2"], obtain_permit=lambda: None)
        stored = self.sql(self.path, "select distinct document_id from information_units")
        self.assertEqual(stored, [("B-2",)])

    def test_closeout_that_would_not_be_true_stores_nothing(self):
        self.sql(self.path, "create trigger twice after insert on information_units begin"
                            " update documents set title = 'x' where id = new.document_id; end")
        with self.assertRaises(CloseoutError):
            self.run_once(Mode.LIVE, obtain_permit=lambda: None)
        self.assertEqual(self.units(), 0)
