"""The dry run as it is run: processes over a temporary store, paused and resumed."""

import json
import subprocess
import unittest
from pathlib import Path

from .support import DOCUMENTS, ENVIRONMENT, ORCHESTRATOR, UNITS, TempDirCase, orchestrate


class DryRunPath(TempDirCase):
    def setUp(self):
        super().setUp()
        self.path = self.make_database()
        self.bytes = Path(self.path).read_bytes()

    def dry_run(self, resume="", **options):
        return orchestrate(
            self.folder, "--mode", "dryrun", "--store", self.path, KEYTURN_RESUME=resume, **options)

    def to_gate(self, gate):
        """Run to a gate from the start; the record handed out there."""
        record = self.dry_run().records[0]
        if gate == "SG2":
            record = self.dry_run(record["resume"]).records[0]
        return record

    def test_from_start_to_closeout(self):
        first = self.dry_run()
        self.assertEqual((first.code, first.records[0]["stopGate"]), (75, "SG1"))
        second = self.dry_run(first.records[0]["resume"])
        self.assertEqual((second.code, second.records[0]["stopGate"]), (75, "SG2"))
        last = self.dry_run(second.records[0]["resume"])
        self.assertEqual((last.code, last.records), (0, [{"closeout": {
            "documents": len(DOCUMENTS), "units": UNITS,
            "wouldInsert": UNITS, "wouldUpdate": 0, "mutations": 0,
        }}]))
        self.assertEqual(Path(self.path).read_bytes(), self.bytes)

    def test_stop_is_one_line_with_summary_and_token(self):
        stopped = self.dry_run()
        self.assertEqual(len(stopped.records), 1)
        self.assertEqual(set(stopped.records[0]), {"stopGate", "summary", "resume"})
        self.assertEqual(stopped.out, "")

    def test_same_gate_gives_the_same_token(self):
        self.assertEqual(self.dry_run().records, self.dry_run().records)

    def test_tampered_token_is_refused(self):
        token = self.to_gate("SG1")["resume"]
        finished = self.dry_run(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))
        self.assertEqual((finished.code, finished.records), (65, []))

    def test_document_changed_at_the_gate_is_noticed(self):
        token = self.to_gate("SG1")["resume"]
        self.sql(self.path, "update documents set body = body || ' More.' where id = 'A-1'")
        finished = self.dry_run(token)
        self.assertEqual((finished.code, finished.records), (65, []))
        self.assertIn("changed since SG1", finished.err)

    def test_document_added_after_sg2_is_noticed(self):
        token = self.to_gate("SG2")["resume"]
        self.sql(self.path, "insert into documents values ('C-3', 'Third', 'New text.')")
        self.assertEqual(self.dry_run(token).code, 65)

    def test_without_descriptor_3_the_stop_goes_to_standard_output(self):
        stopped = self.dry_run(channel=False)
        self.assertEqual(stopped.code, 75)
        self.assertRegex(stopped.out, r'\ASTOP \{"stopGate":"SG1",.*\}\n\Z')

    def test_store_comes_from_the_secret(self):
        (self.folder / "governance_ro").write_text(f"sqlite://{self.path}\n")
        stopped = orchestrate(
            self.folder, "--mode", "dryrun", KEYTURN_SECRETS_DIR=str(self.folder))
        self.assertEqual(stopped.code, 75)


class LivePath(TempDirCase):
    def test_live_without_a_permit_is_refused_before_the_store_is_looked_at(self):
        finished = orchestrate(self.folder, "--mode", "live", "--store", "/nowhere/at/all.db")
        self.assertEqual((finished.code, finished.out, finished.records), (77, "", []))
        self.assertEqual(finished.err, (
            "LIVE refused: execution is not enabled (__execution_enabled__ = False)"
            " and no run permit was given\n"
        ))

    def test_follow_stores_what_comes_until_it_is_told_to_stop(self):
        path, (gate, questions) = self.make_database(), self.serve(b'{"open":true}\n', times=4)
        (self.folder / "permit").write_text("token-1")
        permit = {"KEYTURN_PERMIT": str(self.folder / "permit"), "KEYTURN_GATE_SOCKET": gate}
        process = subprocess.Popen(
            [*ORCHESTRATOR, "--mode", "live", "--follow", "--store", path],
            env={**ENVIRONMENT, **permit}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        self.assertIn("A-1 stored", process.stderr.readline())
        self.assertIn("B-2 stored", process.stderr.readline())
        self.sql(path, "insert into documents values ('C-3', 'Third', '1. The new text.')")
        self.assertIn("C-3 stored", process.stderr.readline())
        process.terminate()
        out, err = process.communicate(timeout=10)
        self.assertEqual((process.returncode, err), (0, "004 follow: told to stop\n"))
        self.assertEqual(json.loads(out.removeprefix("CLOSEOUT ")), {"closeout": {
            "documents": 3, "units": UNITS + 1, "inserted": UNITS + 1, "updated": 0,
            "mutations": UNITS + 1,
        }})
        self.assertEqual({question["entrypoint"] for question in questions}, {"serve"})
        self.assertEqual(self.sql(path, "select count(*) from information_units"), [(UNITS + 1,)])


if __name__ == "__main__":
    unittest.main()
