"""Review: verdicts."""

import unittest

from cutter_agent.docstate import Draft
from cutter_agent.model import Unit
from cutter_agent.phases.review import THRESHOLD, verdict_of

from .support import run_to, state_of

UNIT = Unit("clause:1", "clause", "1", "", "x", 1, 1)


class Verdict(unittest.TestCase):
    def test_threshold_itself_is_accepted(self):
        self.assertEqual(verdict_of(Draft(UNIT, score=THRESHOLD)), "accept")

    def test_below_the_threshold_is_for_review(self):
        self.assertEqual(verdict_of(Draft(UNIT, score=THRESHOLD - 1)), "review")

    def test_duplicate_is_skipped_whatever_its_score(self):
        self.assertEqual(verdict_of(Draft(UNIT, score=100, duplicate_of="clause:2")), "skip")


class References(unittest.TestCase):
    def test_reference_to_a_skipped_unit_goes_to_its_original(self):
        same = "1. The keeper must file each record."
        state = run_to("review", state_of(
            "Article 1. A", same, "Article 2. B", same, "2. As clause 1 of Article 2 says.",
        ))
        self.assertEqual(state.drafts[-1].refs, ("article:1/clause:1",))

    def test_two_references_that_become_one_are_one(self):
        same = "1. The keeper must file each record."
        state = run_to("review", state_of(
            "Article 1. A", same, "Article 2. B", same, "2. Article 1(1) and Article 2(1) agree.",
        ))
        self.assertEqual(state.drafts[-1].refs, ("article:1/clause:1",))
