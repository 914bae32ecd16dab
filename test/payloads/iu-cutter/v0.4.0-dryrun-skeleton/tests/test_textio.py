"""Decoding, tidying and the language guess."""

import tempfile
import unittest
from pathlib import Path

from cutter_agent import textio
from cutter_agent.model import CutError


class Decode(unittest.TestCase):
    def test_byte_order_mark_is_dropped(self):
        self.assertEqual(textio.decode(b"\xef\xbb\xbfA"), "A")

    def test_binary_is_refused(self):
        with self.assertRaisesRegex(CutError, "binary"):
            textio.decode(b"A\0B")

    def test_other_encoding_is_refused_with_the_byte(self):
        with self.assertRaisesRegex(CutError, "byte 1"):
            textio.decode(b"A\xe9B")

    def test_too_large_is_refused(self):
        with self.assertRaisesRegex(CutError, "larger"):
            textio.decode(b"a" * (textio.MAX_BYTES + 1))


class ReadText(unittest.TestCase):
    def test_reads_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a.txt")
            path.write_text("Điều 1", "utf-8")
            self.assertEqual(textio.read_text(str(path)), "Điều 1")

    def test_a_missing_file_is_named(self):
        with self.assertRaisesRegex(CutError, "no-such-file"):
            textio.read_text("no-such-file")


class Tidy(unittest.TestCase):
    def test_decomposed_letters_are_composed(self):
        self.assertEqual(textio.tidy("Die\u0302\u0300u"), "Diều")

    def test_line_ends_become_newlines(self):
        self.assertEqual(textio.tidy("a\r\nb\rc"), "a\nb\nc")

    def test_hard_spaces_and_tabs_become_spaces(self):
        self.assertEqual(textio.tidy("Điều\u00a05\tx"), "Điều 5 x")

    def test_invisible_characters_go(self):
        self.assertEqual(textio.tidy("Điều\u200b 5\u00ad"), "Điều 5")

    def test_line_count_never_changes(self):
        text = "a  \r\n\r\n\r\nb\u200b\n"
        self.assertEqual(textio.tidy(text).count("\n"), 4)

    def test_twice_is_the_same_as_once(self):
        once = textio.tidy("Die\u0302\u0300u\u00a01 \r\n\u200b x ")
        self.assertEqual(textio.tidy(once), once)


class Language(unittest.TestCase):
    def test_vietnamese(self):
        self.assertEqual(textio.guess_language("Quy chế này có hiệu lực từ ngày ký."), "vi")

    def test_english(self):
        self.assertEqual(textio.guess_language("These bylaws take effect today."), "en")

    def test_english_with_one_vietnamese_name_stays_english(self):
        text = "The chair, Mr Nguyễn, shall convene the board within ten working days of a request."
        self.assertEqual(textio.guess_language(text), "en")

    def test_no_letters_is_undetermined(self):
        self.assertEqual(textio.guess_language("12 / 34"), "und")
