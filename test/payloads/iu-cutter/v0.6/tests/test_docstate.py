"""Fingerprints and the values that travel through the phases."""

import unittest
from dataclasses import FrozenInstanceError, replace

from cutter_agent.docstate import Finding, fingerprint

from .support import run_to, state_of


class Fingerprint(unittest.TestCase):
    def test_order_of_keys_does_not_matter(self):
        self.assertEqual(fingerprint({"a": 1, "b": 2}), fingerprint({"b": 2, "a": 1}))

    def test_order_of_a_list_does(self):
        self.assertNotEqual(fingerprint([1, 2]), fingerprint([2, 1]))

    def test_known_value(self):
        # sha256 of the four characters "Đ" in quotes, UTF-8: stable across releases
        self.assertEqual(fingerprint("Đ")[:16], "d9fd987a603f48ae")


class State(unittest.TestCase):
    def test_a_state_cannot_be_changed_in_place(self):
        with self.assertRaises(FrozenInstanceError):
            state_of("x").text = "y"

    def test_noting_keeps_what_was_found_before(self):
        state = state_of("x").noting(Finding("a", "", "")).noting(Finding("b", "", ""))
        self.assertEqual([finding.code for finding in state.findings], ["a", "b"])

    def test_digest_covers_the_store_view(self):
        state = run_to("commit", state_of("1. Một"))
        self.assertNotEqual(state.digest(), replace(state, existing={"x": "y"}).digest())
