"""Which lines belong together."""

import unittest

from cutter_agent.blocks import split_blocks


def shapes(*lines):
    return [(block.kind, block.text) for block in split_blocks("\n".join(lines))]


class SplitBlocks(unittest.TestCase):
    def test_lines_of_a_paragraph_are_joined(self):
        self.assertEqual(shapes("một", "hai"), [("paragraph", "một hai")])

    def test_blank_line_ends_a_paragraph(self):
        self.assertEqual(shapes("một", "", "hai"), [("paragraph", "một"), ("paragraph", "hai")])

    def test_title_below_an_untitled_heading_is_taken(self):
        self.assertEqual(shapes("CHƯƠNG I", "QUY ĐỊNH CHUNG"), [("chapter", "QUY ĐỊNH CHUNG")])

    def test_title_is_not_taken_across_a_blank_line(self):
        self.assertEqual(shapes("CHƯƠNG I", "", "CHUNG"), [("chapter", ""), ("paragraph", "CHUNG")])

    def test_sentence_below_an_untitled_heading_is_a_paragraph(self):
        self.assertEqual(shapes("Điều 1", "Có hiệu lực."),
                         [("article", ""), ("paragraph", "Có hiệu lực.")])

    def test_titled_heading_takes_no_second_line(self):
        self.assertEqual(shapes("Điều 1. Tên", "Nội dung"),
                         [("article", "Tên"), ("paragraph", "Nội dung")])

    def test_point_goes_on_until_the_next_point(self):
        self.assertEqual(shapes("a) một", "hai;", "b) ba"),
                         [("point", "một hai;"), ("point", "ba")])

    def test_list_items_form_one_block(self):
        self.assertEqual(shapes("- một", "- hai"), [("list", "một\nhai")])

    def test_wrapped_list_item_stays_one_item(self):
        self.assertEqual(shapes("- một", "tiếp", "- hai"), [("list", "một tiếp\nhai")])

    def test_table_rows_form_one_block(self):
        self.assertEqual(shapes("| a |", "| b |"), [("table", "| a |\n| b |")])

    def test_prose_below_a_table_is_a_paragraph(self):
        self.assertEqual(shapes("| a |", "ghi chú"), [("table", "| a |"), ("paragraph", "ghi chú")])

    def test_two_tables_with_a_gap_stay_two(self):
        self.assertEqual(len(shapes("| a |", "", "| b |")), 2)

    def test_line_numbers_span_the_block(self):
        block = split_blocks("\n\nmột\nhai\n")[0]
        self.assertEqual((block.first_line, block.last_line), (3, 4))

    def test_empty_text_has_no_blocks(self):
        self.assertEqual(split_blocks("\n \n"), [])
