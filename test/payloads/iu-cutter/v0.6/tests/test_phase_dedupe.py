"""Dedupe: the same words twice."""

import unittest

from cutter_agent.phases.dedupe import essence

from .support import codes, run_to, state_of

LONG = "The keeper must file each record"


class Dedupe(unittest.TestCase):
    def duplicates(self, *lines):
        drafts = run_to("dedupe", state_of(*lines)).drafts
        return {draft.unit.address: draft.duplicate_of for draft in drafts if draft.duplicate_of}

    def test_essence_ignores_case_and_punctuation(self):
        self.assertEqual(essence("Tài liệu, MẬT!"), essence("tài  liệu mật"))

    def test_essence_keeps_vietnamese_marks(self):
        self.assertNotEqual(essence("má"), essence("mà"))

    def test_later_repeat_points_at_the_first(self):
        self.assertEqual(self.duplicates(f"1. {LONG}.", f"2. {LONG.upper()};", f"3. {LONG}"),
                         {"clause:2": "clause:1", "clause:3": "clause:1"})

    def test_short_repeat_is_left_alone(self):
        self.assertEqual(self.duplicates("1. to the board", "2. to the board"), {})

    def test_same_words_in_another_kind_are_another_unit(self):
        self.assertEqual(self.duplicates(f"1. {LONG}", "", LONG), {})

    def test_unit_with_others_below_it_stays(self):
        self.assertEqual(self.duplicates(f"1. {LONG}:", "a) x", f"2. {LONG}:", "a) y"), {})

    def test_repeat_is_found(self):
        state = run_to("dedupe", state_of(f"1. {LONG}", f"2. {LONG}"))
        self.assertEqual(codes(state), [("duplicate", "clause:2")])
