"""Containment and addresses."""

import unittest
from pathlib import Path

from cutter_agent.cutter import cut
from cutter_agent.model import CutError

FIXTURES = Path(__file__).resolve().parent / "fixtures"


def addresses(*lines):
    return [unit.address for unit in cut("\n".join(lines))]


class Addresses(unittest.TestCase):
    def test_nesting_follows_rank(self):
        self.assertEqual(addresses("Chương I", "Điều 1. A", "1. Một", "a) Hai")[-1],
                         "chapter:1/article:1/clause:1/point:a")

    def test_next_article_closes_the_one_before(self):
        self.assertEqual(addresses("Điều 1. A", "1. Một", "Điều 2. B"),
                         ["article:1", "article:1/clause:1", "article:2"])

    def test_part_closes_a_chapter(self):
        self.assertEqual(addresses("Phần I", "Chương I", "Phần II")[-1], "part:2")

    def test_decimal_clause_lies_in_its_clause(self):
        self.assertEqual(addresses("1. One", "1.1 Two")[-1], "clause:1/clause:1.1")

    def test_paragraph_closes_clauses(self):
        self.assertEqual(addresses("Điều 1. A", "1. Một", "", "Kết.")[-1], "article:1/paragraph:1")

    def test_list_belongs_to_the_open_clause(self):
        self.assertEqual(addresses("1. Gồm", "- một")[-1], "clause:1/list:1")

    def test_paragraphs_count_below_their_parent(self):
        self.assertEqual(addresses("x", "", "y", "", "Điều 1. A", "z"),
                         ["paragraph:1", "paragraph:2", "article:1", "article:1/paragraph:1"])

    def test_repeated_number_gets_a_distinct_address(self):
        self.assertEqual(addresses("Điều 1. A", "Điều 1. B"), ["article:1", "article:1~2"])

    def test_unit_below_a_repeated_number_lies_in_the_later_one(self):
        self.assertEqual(addresses("Điều 1. A", "Điều 1. B", "1. x")[-1], "article:1~2/clause:1")

    def test_i_after_h_is_a_point(self):
        self.assertEqual(addresses("1. X", "(h) y", "(i) z")[-1], "clause:1/point:i")

    def test_i_after_b_is_a_subpoint(self):
        self.assertEqual(addresses("1. X", "(b) y", "(i) z")[-1], "clause:1/point:b/subpoint:i")


class Units(unittest.TestCase):
    def test_heading_has_a_title_and_no_body(self):
        unit = cut("Điều 1. Tên")[0]
        self.assertEqual((unit.title, unit.body, unit.text), ("Tên", "", "Tên"))

    def test_clause_has_a_body_and_no_title(self):
        unit = cut("1. Nội dung")[0]
        self.assertEqual((unit.title, unit.body, unit.text), ("", "Nội dung", "Nội dung"))

    def test_parent_and_depth_come_from_the_address(self):
        unit = cut("Điều 1. A\n1. x")[1]
        self.assertEqual((unit.parent, unit.depth), ("article:1", 1))

    def test_text_without_content_is_refused(self):
        with self.assertRaisesRegex(CutError, "no text"):
            cut(" \n\n")


class Fixtures(unittest.TestCase):
    def test_vietnamese_fixture(self):
        units = cut((FIXTURES / "quy-che.txt").read_text("utf-8"))
        self.assertEqual(len(units), 23)
        self.assertEqual(sum(unit.kind == "article" for unit in units), 5)

    def test_english_fixture(self):
        units = cut((FIXTURES / "bylaws.txt").read_text("utf-8"))
        self.assertEqual(units[-1].parent, "appendix:a")

    def test_addresses_are_unique_in_both(self):
        for name in ("quy-che.txt", "bylaws.txt"):
            found = [unit.address for unit in cut((FIXTURES / name).read_text("utf-8"))]
            self.assertEqual(len(found), len(set(found)), name)
