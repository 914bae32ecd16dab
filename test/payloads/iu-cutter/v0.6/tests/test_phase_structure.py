"""Segment and number: drafts, and whether their numbers run on."""

import unittest

from cutter_agent.docstate import PhaseError
from cutter_agent.phases.number import follows

from .support import codes, run_to, state_of


class Segment(unittest.TestCase):
    def test_one_draft_per_unit_in_reading_order(self):
        state = run_to("segment", state_of("Điều 1. A", "1. Một", "2. Hai"))
        self.assertEqual([draft.unit.number for draft in state.drafts], ["1", "1", "2"])

    def test_nothing_but_page_numbers_is_refused(self):
        with self.assertRaisesRegex(PhaseError, "nothing left"):
            run_to("segment", state_of("Page 1", "", "Page 2"))

    def test_an_unusually_long_block_is_found(self):
        self.assertEqual(codes(run_to("segment", state_of("dài " * 1100))),
                         [("long-block", "paragraph:1")])


class Follows(unittest.TestCase):
    def test_sequence_begins_at_one(self):
        self.assertTrue(follows("clause", "", "1", "vi"))
        self.assertFalse(follows("clause", "", "2", "vi"))

    def test_inserted_article_follows_its_own_number(self):
        self.assertTrue(follows("article", "4", "4a", "vi"))
        self.assertFalse(follows("article", "4", "5a", "vi"))

    def test_second_insertion_follows_the_first(self):
        self.assertTrue(follows("article", "4a", "4b", "vi"))

    def test_whole_number_follows_an_insertion(self):
        self.assertTrue(follows("article", "4b", "5", "vi"))

    def test_letters_run_in_the_order_of_the_language(self):
        self.assertTrue(follows("point", "d", "đ", "vi"))
        self.assertFalse(follows("point", "d", "e", "vi"))
        self.assertTrue(follows("point", "d", "e", "en"))

    def test_nothing_follows_a_letter_the_language_does_not_use(self):
        self.assertFalse(follows("point", "w", "x", "vi"))

    def test_decimal_clauses_run_on_by_their_last_number(self):
        self.assertTrue(follows("clause", "2.1", "2.2", "en"))

    def test_paragraphs_are_not_in_sequence(self):
        self.assertTrue(follows("paragraph", "1", "9", "vi"))


class Number(unittest.TestCase):
    def found(self, *lines):
        return codes(run_to("number", state_of(*lines)))

    def test_complete_numbering_has_no_findings(self):
        self.assertEqual(self.found("Điều 1. A", "1. x", "2. y", "Điều 2. B", "1. z"), [])

    def test_gap_is_found_where_it_is(self):
        self.assertEqual(self.found("Điều 1. A", "Điều 3. B"), [("number-gap", "article:3")])

    def test_articles_run_on_across_chapters(self):
        self.assertEqual(self.found("Chương I", "Điều 1. A", "Chương II", "Điều 2. B"), [])

    def test_articles_of_an_appendix_begin_anew(self):
        self.assertEqual(self.found("Điều 1. A", "Điều 2. B", "Phụ lục I", "Điều 1. C"), [])

    def test_repeat_is_found_once(self):
        self.assertEqual(self.found("Điều 1. A", "Điều 1. B", "Điều 2. C"),
                         [("repeated-number", "article:1~2")])

    def test_decimal_clause_in_the_wrong_clause_is_found(self):
        self.assertEqual(self.found("1. One", "2.1 Two"), [("stray-number", "clause:1/clause:2.1")])
