"""What one line announces."""

import unittest

from cutter_agent.patterns import looks_like_title, match


def seen(line):
    marker = match(line)
    return marker and (marker.kind, marker.number, marker.text)


class Headings(unittest.TestCase):
    def test_article_with_title(self):
        self.assertEqual(seen("Điều 12. Phạm vi"), ("article", "12", "Phạm vi"))

    def test_article_with_letter_suffix(self):
        self.assertEqual(seen("Điều 12a. Bổ sung"), ("article", "12a", "Bổ sung"))

    def test_article_in_capitals_with_a_dash(self):
        self.assertEqual(seen("ARTICLE 3 – SCOPE"), ("article", "3", "SCOPE"))

    def test_article_alone_has_an_empty_title(self):
        self.assertEqual(seen("Article 3"), ("article", "3", ""))

    def test_prose_that_mentions_an_article_is_prose(self):
        self.assertIsNone(match("Điều 5 của Luật này quy định về lưu trữ"))

    def test_chapter_in_roman(self):
        self.assertEqual(seen("CHƯƠNG IV"), ("chapter", "4", ""))

    def test_chapter_with_capital_title_and_no_separator(self):
        self.assertEqual(seen("Chương II TỔ CHỨC"), ("chapter", "2", "TỔ CHỨC"))

    def test_part_by_ordinal(self):
        self.assertEqual(seen("Phần thứ hai: Điều hành"), ("part", "2", "Điều hành"))

    def test_section(self):
        self.assertEqual(seen("Mục 1. Chung"), ("section", "1", "Chung"))

    def test_table_of_contents_line_is_not_a_section(self):
        self.assertIsNone(match("Mục lục"))

    def test_a_numeral_that_is_not_canonical_announces_nothing(self):
        self.assertIsNone(match("Chương IIII"))

    def test_annex_by_letter(self):
        self.assertEqual(seen("Annex C: Forms"), ("appendix", "c", "Forms"))

    def test_appendix_in_roman(self):
        self.assertEqual(seen("Phụ lục II"), ("appendix", "2", ""))

    def test_markdown_heading_ranks_by_its_marks(self):
        self.assertEqual((match("## Access").kind, match("## Access").rank), ("heading", 2))

    def test_outer_headings_rank_before_inner_ones(self):
        lines = ("Phần I", "Chương I", "Mục 1", "Điều 1", "1. Một", "a) Một", "(ii) Một")
        ranks = [match(line).rank for line in lines]
        self.assertEqual(ranks, sorted(set(ranks)))


class Numbered(unittest.TestCase):
    def test_clause(self):
        self.assertEqual(seen("2. Người soạn thảo"), ("clause", "2", "Người soạn thảo"))

    def test_clause_with_its_word(self):
        self.assertEqual(seen("Khoản 2. Nội dung"), ("clause", "2", "Nội dung"))

    def test_decimal_clause_is_one_rank_deeper(self):
        self.assertEqual(match("2.1. Nội dung").rank, match("2. Nội dung").rank + 1)

    def test_decimal_clause_without_a_last_dot(self):
        self.assertEqual(seen("2.1 The keeper"), ("clause", "2.1", "The keeper"))

    def test_decimal_quantity_in_prose_is_prose(self):
        self.assertIsNone(match("3.5 million records are kept"))

    def test_year_is_not_a_clause(self):
        self.assertIsNone(match("2024. Một năm"))

    def test_point_with_vietnamese_letter(self):
        self.assertEqual(seen("đ) Lấy ý kiến"), ("point", "đ", "Lấy ý kiến"))

    def test_point_in_two_brackets(self):
        self.assertEqual(seen("(b) disclose"), ("point", "b", "disclose"))

    def test_roman_in_two_brackets_is_a_subpoint(self):
        self.assertEqual(seen("(iv) the court"), ("subpoint", "iv", "the court"))

    def test_letter_i_with_one_bracket_is_a_point(self):
        self.assertEqual(seen("i) Nội dung"), ("point", "i", "Nội dung"))

    def test_letters_that_make_no_numeral_announce_nothing(self):
        self.assertIsNone(match("(iix) nothing"))


class Listed(unittest.TestCase):
    def test_bullet(self):
        self.assertEqual(seen("• một mục"), ("list", "", "một mục"))

    def test_dash_without_a_space_is_prose(self):
        self.assertIsNone(match("-5 độ"))

    def test_table_row(self):
        self.assertEqual(seen("| a | b |"), ("table", "", "| a | b |"))


class Titles(unittest.TestCase):
    def test_short_line_is_a_title(self):
        self.assertTrue(looks_like_title("Quy định chung"))

    def test_sentence_is_not(self):
        self.assertFalse(looks_like_title("Quy chế này có hiệu lực."))

    def test_capitals_are_a_title_however_they_end(self):
        self.assertTrue(looks_like_title("QUY ĐỊNH CHUNG."))
