"""Score: what takes points away."""

import unittest

from cutter_agent.docstate import Draft
from cutter_agent.model import Unit
from cutter_agent.phases.score import points

from .support import run_to, state_of


def draft(body, title=""):
    return Draft(Unit("clause:1", "clause", "1", title, body, 1, 1))


class Points(unittest.TestCase):
    def test_ordinary_unit_has_them_all(self):
        self.assertEqual(points(draft("The keeper must file."), []), 100)

    def test_short_body_costs(self):
        self.assertEqual(points(draft("Filed."), []), 80)

    def test_short_title_does_not(self):
        self.assertEqual(points(draft("", "Scope"), []), 100)

    def test_long_body_costs(self):
        self.assertEqual(points(draft("x" * 1201), []), 85)

    def test_missing_title_costs(self):
        self.assertEqual(points(draft(""), []), 90)

    def test_findings_add_up_and_stop_at_nothing(self):
        self.assertEqual(points(draft("The keeper must file."), ["broken-reference"] * 4), 0)

    def test_finding_counts_only_at_its_own_address(self):
        lines = ("Article 1. A", "1. The keeper files.", "2. As Article 9 says.")
        state = run_to("score", state_of(*lines))
        self.assertEqual([each.score for each in state.drafts], [100, 100, 65])
