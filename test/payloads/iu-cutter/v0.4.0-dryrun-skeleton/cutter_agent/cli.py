"""Command line over one file: ``python3 -m cutter_agent.cli inspect|cut|units|version``.

Reads a file and prints; opens no store and writes nothing. Exit codes: 0 done,
2 wrong arguments, 65 the input cannot be cut.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import __version__, report
from .cutter import cut
from .model import CONTAINERS, LEAVES, CutError
from .textio import guess_language, read_text

EXIT_DATA = 65


def parser() -> argparse.ArgumentParser:
    """The argument parser with every subcommand there is."""
    top = argparse.ArgumentParser(prog="cutter_agent.cli", description="Cut a document into units.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("inspect", "count the units of a file by kind"),
        ("cut", "print the outline of a file"),
        ("units", "print the units of a file as JSON lines"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", metavar="FILE", help="UTF-8 text, or - for standard input")
        if name == "units":
            command.add_argument("--kind", choices=CONTAINERS + LEAVES, help="only this kind")
    commands.add_parser("version", help="print the version")
    return top


def run(arguments: argparse.Namespace) -> str:
    """The text a command prints. CutError when the input cannot be cut."""
    if arguments.command == "version":
        return __version__
    text = read_text(arguments.file)
    units = cut(text)
    if arguments.command == "inspect":
        return report.summary(units, guess_language(text))
    if arguments.command == "cut":
        return report.outline(units)
    return report.json_lines(unit for unit in units if arguments.kind in (None, unit.kind))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (argparse exits with 2 by itself)."""
    arguments = parser().parse_args(argv)
    try:
        output = run(arguments)
    except CutError as error:
        print(f"cutter_agent: {error}", file=sys.stderr)
        return EXIT_DATA
    if output:
        print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
