"""Intake: what may be cut at all."""

import unittest

from cutter_agent.docstate import PhaseError
from cutter_agent.phases import intake

from .support import codes, state_of


class Intake(unittest.TestCase):
    def test_the_source_becomes_the_text(self):
        self.assertEqual(intake.run(state_of("một", "hai")).text, "một\nhai")

    def test_the_title_is_brought_to_one_line(self):
        self.assertEqual(intake.run(state_of("x", title=" Quy \n chế ")).title, "Quy chế")

    def test_a_missing_title_is_found_and_taken(self):
        self.assertEqual(codes(intake.run(state_of("x", title=" "))), [("no-title", "")])

    def test_an_empty_document_is_refused_by_name(self):
        with self.assertRaisesRegex(PhaseError, "QC-9: document has no text"):
            intake.run(state_of(" ", "", document_id="QC-9"))

    def test_binary_text_is_refused(self):
        with self.assertRaisesRegex(PhaseError, "binary"):
            intake.run(state_of("a\0b"))

    def test_a_half_character_is_refused(self):
        with self.assertRaisesRegex(PhaseError, "D: "):
            intake.run(state_of("a\ud800b"))

    def test_an_id_that_would_break_an_address_is_refused(self):
        with self.assertRaisesRegex(PhaseError, "not usable"):
            intake.run(state_of("x", document_id="QC#1"))
