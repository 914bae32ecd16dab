"""Normalize: characters, page furniture, language."""

import unittest

from .support import codes, run_to, state_of


def normalized(*lines):
    return run_to("normalize", state_of(*lines))


class Furniture(unittest.TestCase):
    def test_page_numbers_in_both_languages_become_empty_lines(self):
        text = normalized("a", "Trang 3/10", "b", "Page 4 of 10", "c").text
        self.assertEqual(text, "a\n\nb\n\nc")

    def test_number_between_dashes_is_a_page_number(self):
        self.assertEqual(normalized("a", " - 7 -", "b").text, "a\n\nb")

    def test_sentence_that_begins_like_a_page_number_stays(self):
        self.assertEqual(normalized("Trang 3 nêu rõ").text, "Trang 3 nêu rõ")

    def test_header_repeated_on_three_pages_goes(self):
        pages = [line for page in "123" for line in (f"Page {page}", "ACME BYLAWS", f"text {page}")]
        self.assertNotIn("ACME", normalized(*pages).text)

    def test_header_on_two_pages_stays(self):
        pages = [line for page in "12" for line in (f"Page {page}", "ACME BYLAWS", f"text {page}")]
        self.assertEqual(normalized(*pages).text.count("ACME"), 2)

    def test_what_was_left_out_is_found(self):
        state = normalized("a", "Page 1", "b")
        self.assertEqual(codes(state), [("page-furniture", "")])
        self.assertEqual(state.findings[0].detail, "lines left out: 1")

    def test_line_numbers_stay_those_of_the_source(self):
        self.assertEqual(normalized("a", "Page 1", "b", "c").text.split("\n").index("c"), 3)


class Characters(unittest.TestCase):
    def test_hard_space_in_a_heading_is_tidied(self):
        self.assertEqual(normalized("Điều\u00a01. Tên").text, "Điều 1. Tên")

    def test_language_is_settled_from_what_is_left(self):
        self.assertEqual(normalized("Trang 1", "The keeper must file each record.").lang, "en")
