"""Render and commit: rows, and what storing them would change."""

import unittest
from dataclasses import asdict, replace

from cutter_agent.docstate import fingerprint
from cutter_agent.phases import commit

from .support import codes, run_to, state_of

LINES = ("Article 1. Scope", "1. The keeper must file each record.", "2. As Article 1 says, daily.")


class Render(unittest.TestCase):
    def setUp(self):
        self.rows = run_to("render", state_of(*LINES, document_id="QC-1")).rows

    def test_id_is_document_and_address(self):
        self.assertEqual(self.rows[1].id, "QC-1#article:1/clause:1")

    def test_positions_run_from_one(self):
        self.assertEqual([row.position for row in self.rows], [1, 2, 3])

    def test_references_are_kept_as_addresses(self):
        self.assertEqual(self.rows[2].refs, "article:1")

    def test_digest_covers_every_other_column(self):
        columns = asdict(self.rows[1])
        digest = columns.pop("digest")
        self.assertEqual(digest, fingerprint(columns))

    def test_skipped_unit_has_no_row_and_no_position(self):
        same = "The keeper must file each record."
        rows = run_to("render", state_of(f"1. {same}", f"2. {same}", "3. The end is near.")).rows
        self.assertEqual([(row.address, row.position) for row in rows],
                         [("clause:1", 1), ("clause:3", 2)])


class Commit(unittest.TestCase):
    def setUp(self):
        self.state = run_to("render", state_of(*LINES))
        self.stored = {row.address: row.digest for row in self.state.rows}

    def changes(self, existing):
        return commit.run(replace(self.state, existing=existing)).changes

    def test_everything_is_new_to_an_empty_store(self):
        changes = self.changes({})
        self.assertEqual((len(changes.insert), len(changes.update), changes.unchanged), (3, 0, 0))

    def test_nothing_changes_when_all_is_stored(self):
        changes = self.changes(self.stored)
        self.assertEqual((changes.insert, changes.update, changes.unchanged), ((), (), 3))

    def test_other_digest_is_an_update(self):
        changes = self.changes(self.stored | {"article:1/clause:2": "old"})
        self.assertEqual([row.address for row in changes.update], ["article:1/clause:2"])

    def test_stored_unit_no_longer_cut_is_orphaned_and_found(self):
        state = commit.run(replace(self.state, existing=self.stored | {"article:9": "old"}))
        self.assertEqual(state.changes.orphaned, ("article:9",))
        self.assertIn(("orphaned", "article:9"), codes(state))

    def test_duplicate_that_was_stored_before_is_orphaned(self):
        same = "The keeper must file each record."
        state = run_to("commit", state_of(f"1. {same}", f"2. {same}", existing={"clause:2": "old"}))
        self.assertEqual(state.changes.orphaned, ("clause:2",))
