"""The steps of each mode, and the state of a run."""

import unittest

from cutter_agent.docstate import PhaseError
from cutter_agent.orchestrator.plan import Mode, steps
from cutter_agent.orchestrator.sqlite_store import SqliteStore
from cutter_agent.orchestrator.state import RunState
from cutter_agent.orchestrator.store import NoSuchDocument
from cutter_agent.phases import PHASES

from .support import UNITS, TempDirCase


def names(mode, action):
    return [step.name for step in steps(mode) if step.action == action]


class Plan(unittest.TestCase):
    def test_both_modes_run_every_phase_in_order(self):
        self.assertEqual(names(Mode.DRYRUN, "phase"), list(PHASES))
        self.assertEqual(names(Mode.LIVE, "phase"), list(PHASES))

    def test_dry_run_has_no_step_that_stores(self):
        self.assertEqual(names(Mode.DRYRUN, "apply"), [])

    def test_gates_stand_after_review_and_after_commit(self):
        planned = [step.name for step in steps(Mode.DRYRUN)]
        self.assertEqual(planned[planned.index("SG1") - 1], "review")
        self.assertEqual(planned[planned.index("SG2") - 1], "commit")


class State(TempDirCase):
    def load(self, *chosen):
        with SqliteStore(self.make_database(), writable=False) as store:
            return RunState.load(store, chosen)

    def test_all_documents_are_loaded_in_order_of_id(self):
        self.assertEqual([doc.document_id for doc in self.load().documents], ["A-1", "B-2"])

    def test_chosen_documents_are_loaded_once(self):
        self.assertEqual([doc.document_id for doc in self.load("B-2", "B-2").documents], ["B-2"])

    def test_missing_document_is_named(self):
        with self.assertRaisesRegex(NoSuchDocument, "C-3"):
            self.load("A-1", "C-3")

    def test_advance_takes_every_document_along(self):
        state = self.load().advance("intake")
        self.assertEqual([doc.done for doc in state.documents], [("intake",)] * 2)

    def test_advance_out_of_order_is_refused(self):
        with self.assertRaises(PhaseError):
            self.load().advance("score")

    def test_totals_add_up_over_documents(self):
        state = self.load()
        for phase in PHASES:
            state = state.advance(phase)
        self.assertEqual((state.total("units"), state.total("insert")), (UNITS, UNITS))
