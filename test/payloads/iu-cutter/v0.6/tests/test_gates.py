"""Resume tokens and the gates they pass."""

import base64
import json
import unittest

from cutter_agent.orchestrator.gates import ResumeToken, TokenRefused, passes, stop_record
from cutter_agent.orchestrator.state import RunState

from .support import run_to, state_of

STATE = RunState((run_to("review", state_of("1. The keeper must file each record.")),))


def altered(text, **changes):
    value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data = json.dumps(value | changes, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Token(unittest.TestCase):
    def setUp(self):
        self.text = ResumeToken("SG1", "abc").encode()

    def refused(self, text, reason):
        with self.assertRaisesRegex(TokenRefused, reason):
            ResumeToken.decode(text)

    def test_reads_back_as_it_was(self):
        self.assertEqual(ResumeToken.decode(self.text), ResumeToken("SG1", "abc"))

    def test_is_safe_in_an_environment(self):
        self.assertRegex(self.text, r"\A[A-Za-z0-9_-]+\Z")

    def test_other_gate_fingerprint_or_field_is_noticed(self):
        for change in ({"gate": "SG2"}, {"seen": "abd"}, {"extra": 1}):
            with self.subTest(change):
                self.refused(altered(self.text, **change), "altered")

    def test_cut_short_cannot_be_read(self):
        self.refused(self.text[:-8], "cannot be read")

    def test_noise_cannot_be_read(self):
        self.refused("not a token!", "cannot be read")

    def test_gate_that_does_not_exist_is_refused(self):
        self.refused(ResumeToken("SG9", "abc").encode(), "unknown gate")


class Passes(unittest.TestCase):
    def test_no_token_passes_no_gate(self):
        self.assertFalse(passes("SG1", STATE, None))

    def test_token_of_a_gate_passes_it_and_not_the_next(self):
        token = ResumeToken("SG1", STATE.digest())
        self.assertTrue(passes("SG1", STATE, token))
        self.assertFalse(passes("SG2", STATE, token))

    def test_later_token_passes_an_earlier_gate(self):
        self.assertTrue(passes("SG1", STATE, ResumeToken("SG2", "whatever was seen at SG2")))

    def test_other_documents_than_were_seen_are_refused(self):
        with self.assertRaisesRegex(TokenRefused, "changed since SG1"):
            passes("SG1", STATE, ResumeToken("SG1", "something else"))


class Stop(unittest.TestCase):
    def test_record_carries_a_token_for_this_very_state(self):
        record = stop_record("SG1", STATE)
        self.assertEqual(record["stopGate"], "SG1")
        self.assertEqual(
            record["summary"],
            "cut and reviewed: documents 1, units 1, units to review 0, findings 0")
        self.assertTrue(passes("SG1", STATE, ResumeToken.decode(record["resume"])))
