"""All phases together, over the fixtures."""

import unittest
from collections import Counter

from cutter_agent.docstate import PhaseError
from cutter_agent.phases import PHASES, run_all, run_phase

from .support import FIXTURES, codes, run_to, state_of


def over(name):
    return run_all(state_of((FIXTURES / name).read_text("utf-8")))


class Order(unittest.TestCase):
    def test_there_are_eleven_phases_from_intake_to_commit(self):
        self.assertEqual((len(PHASES), *list(PHASES)[::10]), (11, "intake", "commit"))

    def test_phase_out_of_order_is_refused(self):
        with self.assertRaisesRegex(PhaseError, "link cannot follow intake"):
            run_phase("link", run_to("intake", state_of("x")))

    def test_phase_is_not_run_twice(self):
        with self.assertRaisesRegex(PhaseError, "intake cannot follow intake"):
            run_phase("intake", run_to("intake", state_of("x")))

    def test_unknown_phase_is_refused(self):
        with self.assertRaisesRegex(PhaseError, "no phase 'publish'"):
            run_phase("publish", state_of("x"))

    def test_run_all_goes_on_from_where_a_state_is(self):
        state = state_of("1. The keeper must file each record.")
        self.assertEqual(run_all(run_to("number", state)), run_all(state))


class Fixtures(unittest.TestCase):
    def test_vietnamese_findings(self):
        self.assertEqual(codes(over("quy-che.txt")), [
            ("number-gap", "chapter:2/article:3/clause:1/point:đ"),
            ("broken-reference", "chapter:2/article:4/clause:2"),
        ])

    def test_vietnamese_roles(self):
        roles = Counter(row.role for row in over("quy-che.txt").rows)
        del roles["heading"], roles["data"], roles["statement"]
        self.assertEqual(roles, {"obligation": 4, "prohibition": 1, "definition": 2})

    def test_english_has_no_findings(self):
        self.assertEqual(codes(over("bylaws.txt")), [])

    def test_reference_across_chapters_is_resolved(self):
        refs = [row.refs for row in over("quy-che.txt").rows if row.refs]
        self.assertEqual(refs, ["chapter:2/article:4/clause:2"])

    def test_two_runs_are_equal_to_the_last_digit(self):
        self.assertEqual(over("bylaws.txt").digest(), over("bylaws.txt").digest())
