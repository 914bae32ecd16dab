"""Roman numerals, ordinals and point letters."""

import unittest

from cutter_agent import numerals


class Roman(unittest.TestCase):
    def test_every_value_reads_back(self):
        values = range(1, 400)
        self.assertEqual([numerals.from_roman(numerals.to_roman(n)) for n in values], list(values))

    def test_subtractive_forms(self):
        self.assertEqual([numerals.to_roman(n) for n in (4, 9, 40, 90)], ["IV", "IX", "XL", "XC"])

    def test_lower_case_reads_the_same(self):
        self.assertEqual(numerals.from_roman("xiv"), 14)

    def test_a_form_that_is_not_canonical_is_refused(self):
        with self.assertRaisesRegex(ValueError, "IIII"):
            numerals.from_roman("IIII")

    def test_empty_text_is_no_numeral(self):
        with self.assertRaises(ValueError):
            numerals.from_roman("")

    def test_zero_has_no_numeral(self):
        with self.assertRaises(ValueError):
            numerals.to_roman(0)


class Canonical(unittest.TestCase):
    def test_roman_becomes_arabic(self):
        self.assertEqual(numerals.canonical("IV"), "4")

    def test_vietnamese_ordinal_becomes_arabic(self):
        self.assertEqual(numerals.canonical("thứ tư"), "4")

    def test_letter_suffix_is_kept_in_lower_case(self):
        self.assertEqual(numerals.canonical("12A"), "12a")

    def test_unknown_ordinal_is_an_error_of_its_own(self):
        with self.assertRaisesRegex(ValueError, "ordinal"):
            numerals.from_ordinal("mười một")


class Letters(unittest.TestCase):
    def test_vietnamese_d_is_followed_by_d_with_stroke(self):
        self.assertEqual(numerals.next_letter("d"), "đ")

    def test_english_d_is_followed_by_e(self):
        self.assertEqual(numerals.next_letter("d", "en"), "e")

    def test_nothing_follows_the_last_letter(self):
        self.assertEqual(numerals.next_letter("y"), "")

    def test_a_letter_vietnamese_points_skip_is_refused(self):
        with self.assertRaises(ValueError):
            numerals.next_letter("w")
