"""What a run says: journal, channel, counts, closeout."""

import io
import json
import os
import unittest

from cutter_agent.orchestrator.closeout import CloseoutError, record
from cutter_agent.orchestrator.journal import Channel, ChannelError, Journal
from cutter_agent.orchestrator.plan import Mode
from cutter_agent.orchestrator.state import RunState
from cutter_agent.orchestrator.store import Counts

from .support import run_to, state_of

STATE = RunState((run_to("commit", state_of(
    "1. The keeper must file each record.", "2. The keeper must report.",
    existing={"clause:2": "old"},
)),))


class JournalLines(unittest.TestCase):
    def test_lines_are_numbered_and_single(self):
        stream = io.StringIO()
        journal = Journal(stream)
        journal.note("a", "one\ntwo")
        journal.note("b", "three")
        self.assertEqual(stream.getvalue(), "001 a: one two\n002 b: three\n")


class ChannelRecords(unittest.TestCase):
    def test_descriptor_gets_one_json_line_per_record(self):
        reader, writer = os.pipe()
        with open(writer, "wb", buffering=0):
            Channel(writer).send({"stopGate": "SG1", "summary": "một"})
        with open(reader, "rb") as lines:
            self.assertEqual(json.loads(lines.readline())["summary"], "một")

    def test_without_a_descriptor_the_line_is_shown_with_its_kind(self):
        shown = []
        channel = Channel(None, shown.append)
        channel.send({"stopGate": "SG1"})
        channel.send({"closeout": {}})
        self.assertEqual(shown, ['STOP {"stopGate":"SG1"}', 'CLOSEOUT {"closeout":{}}'])

    def test_other_end_gone_is_an_error(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        with self.assertRaisesRegex(ChannelError, "not delivered"):
            Channel(writer).send({"closeout": {}})


class CountsOfAStore(unittest.TestCase):
    def test_growth_is_per_table_and_no_count_is_negative(self):
        self.assertEqual(Counts(2, 10).growth(Counts(2, 13)), (0, 3))
        with self.assertRaises(ValueError):
            Counts(0, -1)


class Closeout(unittest.TestCase):
    def test_dry_run_says_what_it_would_do(self):
        line = record(Mode.DRYRUN, STATE, Counts(1, 1), Counts(1, 1), 0)
        self.assertEqual(line, {"closeout": {
            "documents": 1, "units": 2, "wouldInsert": 1, "wouldUpdate": 1, "mutations": 0,
        }})

    def test_dry_run_that_changed_a_row_has_no_closeout(self):
        with self.assertRaisesRegex(CloseoutError, "rows changed: 1, due: 0"):
            record(Mode.DRYRUN, STATE, Counts(1, 1), Counts(1, 1), 1)

    def test_dry_run_over_a_store_that_grew_has_no_closeout(self):
        with self.assertRaisesRegex(CloseoutError, "from documents 1, units 1 to"):
            record(Mode.DRYRUN, STATE, Counts(1, 1), Counts(1, 2), 0)

    def test_live_says_what_it_did(self):
        line = record(Mode.LIVE, STATE, Counts(1, 1), Counts(1, 2), 2)
        self.assertEqual(line["closeout"]["inserted"], 1)
        self.assertEqual(line["closeout"]["mutations"], 2)

    def test_live_that_changed_less_than_planned_has_no_closeout(self):
        with self.assertRaisesRegex(CloseoutError, "rows changed: 1, due: 2"):
            record(Mode.LIVE, STATE, Counts(1, 1), Counts(1, 2), 1)
