"""The runner: what each mode opens, in which order, and what is left behind."""

import os
import signal
from unittest import mock

from cutter_agent.orchestrator import Mode, OrchestratorRunner
from cutter_agent.orchestrator.closeout import CloseoutError
from cutter_agent.orchestrator.follow import Follower
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


class ToldToStop(SqliteStore):
    """Gets SIGTERM where a test says: with rows changed, at the commit, or once all is read."""

    at = ""

    def apply(self, changes):
        changed = super().apply(changes)
        self._told("apply")
        return changed

    def commit(self):
        self._told("commit")
        super().commit()

    def documents(self):
        ToldToStop.rounds += 1
        if ToldToStop.rounds == 2:
            self._told("second round")
        return super().documents()

    def _told(self, where):
        if self.at == where:
            os.kill(os.getpid(), signal.SIGTERM)


class Follow(RunnerCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        ToldToStop.rounds = 0

    def follow(self, at, obtain_permit=lambda: None):
        def open_store(writable):
            store = ToldToStop(self.path, writable=writable)
            store.at = at
            return store

        follower = Follower(open_store, obtain_permit=obtain_permit, journal=Journal())
        closeout = follower.run().record["closeout"]
        self.assertEqual(closeout["inserted"], self.units())
        return closeout

    def test_told_to_stop_with_rows_changed_it_stores_none_of_them(self):
        self.assertEqual(self.follow("apply")["documents"], 0)

    def test_told_to_stop_at_a_commit_it_counts_what_that_stored(self):
        self.assertEqual(self.follow("commit")["documents"], 1)

    def test_each_document_is_stored_by_leave_of_its_own_and_once(self):
        obtain = mock.Mock()
        closeout = self.follow("second round", obtain)
        self.assertEqual((closeout["documents"], closeout["inserted"]), (2, UNITS))
        self.assertEqual(obtain.call_count, 1 + 2)

    def test_gate_that_closes_between_documents_ends_it_and_what_was_stored_stays(self):
        answers = mock.Mock(side_effect=[None, None, LiveRefused("closed meanwhile")])
        with self.assertRaisesRegex(LiveRefused, "closed meanwhile"):
            self.follow("", answers)
        self.assertEqual(self.sql(self.path, "select distinct document_id from information_units"),
                         [("A-1",)])
