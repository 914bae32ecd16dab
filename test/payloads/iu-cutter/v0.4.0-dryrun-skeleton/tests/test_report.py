"""What the command line shows."""

import json
import unittest

from cutter_agent import report
from cutter_agent.cutter import cut


class Shorten(unittest.TestCase):
    def test_short_text_is_left_alone(self):
        self.assertEqual(report.shorten("một hai", 7), "một hai")

    def test_cut_falls_between_words(self):
        self.assertEqual(report.shorten("một hai ba", 9), "một hai…")

    def test_one_long_word_is_cut_inside(self):
        self.assertEqual(report.shorten("abcdefgh", 5), "abcd…")

    def test_lines_become_one(self):
        self.assertEqual(report.shorten("một\n hai", 20), "một hai")


class Reports(unittest.TestCase):
    def setUp(self):
        self.units = cut("Điều 1. Tên\n1. Một\n2. Hai")

    def test_summary_counts_kinds_and_levels(self):
        lines = report.summary(self.units, "vi").splitlines()
        self.assertEqual([line.split() for line in lines], [
            ["language", "vi"], ["units", "3"], ["article", "1"], ["clause", "2"], ["depth", "2"],
        ])

    def test_outline_indents_by_depth(self):
        self.assertEqual(report.outline(self.units).splitlines()[1], "  clause 1  Một")

    def test_outline_keeps_to_its_width(self):
        units = cut("1. " + "dài " * 60)
        self.assertLessEqual(len(report.outline(units, 40)), 40)

    def test_json_lines_keep_the_letters(self):
        first = report.json_lines(self.units).splitlines()[0]
        self.assertIn('"Tên"', first)
        self.assertEqual(json.loads(first)["address"], "article:1")
