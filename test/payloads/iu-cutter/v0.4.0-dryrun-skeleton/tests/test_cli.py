"""The command line: output, exit codes, and what is not there."""

import contextlib
import io
import json
import unittest
from pathlib import Path
from unittest import mock

from cutter_agent import __version__, cli

FIXTURE = str(Path(__file__).resolve().parent / "fixtures" / "quy-che.txt")


def run(*argv):
    """Exit code, standard output and standard error of one command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(argv)
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue(), err.getvalue()


class Commands(unittest.TestCase):
    def test_version(self):
        self.assertEqual(run("version"), (0, __version__ + "\n", ""))

    def test_inspect_names_the_language(self):
        code, out, _ = run("inspect", FIXTURE)
        self.assertEqual((code, out.splitlines()[0].split()), (0, ["language", "vi"]))

    def test_cut_prints_the_outline(self):
        self.assertIn("  article 4  Lưu trữ\n", run("cut", FIXTURE)[1])

    def test_units_prints_json_lines(self):
        lines = run("units", FIXTURE)[1].splitlines()
        self.assertEqual(len([json.loads(line) for line in lines]), 23)

    def test_units_of_one_kind(self):
        lines = run("units", FIXTURE, "--kind", "point")[1].splitlines()
        self.assertEqual([json.loads(line)["number"] for line in lines], ["a", "b", "đ"])

    def test_units_of_a_kind_that_does_not_occur_prints_nothing(self):
        self.assertEqual(run("units", FIXTURE, "--kind", "part"), (0, "", ""))

    def test_dash_reads_standard_input(self):
        stdin = mock.Mock(buffer=io.BytesIO("Điều 1. Tên".encode()))
        with mock.patch("sys.stdin", stdin):
            self.assertEqual(run("cut", "-")[1], "article 1  Tên\n")


class Refusals(unittest.TestCase):
    def test_missing_file_is_65_and_named(self):
        code, out, err = run("inspect", "no-such-file")
        self.assertEqual((code, out), (65, ""))
        self.assertIn("no-such-file", err)

    def test_no_command_is_2(self):
        self.assertEqual(run()[0], 2)

    def test_unknown_kind_is_2(self):
        self.assertEqual(run("units", FIXTURE, "--kind", "chapter-x")[0], 2)

    def test_there_is_no_orchestrate_command(self):
        code, _, err = run("orchestrate", "inspect", "--help")
        self.assertEqual(code, 2)
        self.assertIn("invalid choice: 'orchestrate'", err)
