"""``python3 -m cutter_agent.orchestrator --mode dryrun|live [--follow] [...]``: the run's surface.

Exit codes: 0 done, 2 wrong arguments, 65 resume token or document refused,
66 no such document, 69 store not available, 70 closeout failed, 74 a record
could not be delivered (what LIVE stored stays), 75 stopped at a gate, 77 LIVE refused.
With --follow, SIGTERM is how a run gets done.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from ..docstate import PhaseError
from . import permit
from .closeout import CloseoutError
from .dsn import READER, WRITER, DsnError, resolve
from .follow import Follower
from .gates import TokenRefused
from .journal import Channel, ChannelError, Journal
from .pg_store import PgStore
from .plan import Mode
from .runner import OrchestratorRunner
from .sqlite_store import SqliteStore
from .store import NoSuchDocument, Store, StoreError

STOPPED, REFUSED = 75, 77
_FAILURES = {
    TokenRefused: 65, PhaseError: 65, NoSuchDocument: 66,
    StoreError: 69, DsnError: 69, CloseoutError: 70, ChannelError: 74,
}


def parser() -> argparse.ArgumentParser:
    """The argument parser."""
    top = argparse.ArgumentParser(prog="cutter_agent.orchestrator", description=__doc__)
    top.add_argument("--mode", required=True, choices=[mode.value for mode in Mode])
    where = top.add_mutually_exclusive_group()
    where.add_argument("--store", metavar="DSN", help="postgres://, sqlite:/// or a path")
    where.add_argument("--dsn-file", metavar="FILE", help="file that holds the DSN")
    top.add_argument(
        "--document", metavar="ID", action="append", default=[],
        help="only this document; may be given more than once",
    )
    top.add_argument(
        "--follow", action="store_true",
        help="LIVE only: store documents as they appear, until SIGTERM",
    )
    return top


def main(argv: Sequence[str] | None, environ: Mapping[str, str], channel: Channel) -> int:
    """Run once; returns the exit code (argparse exits with 0 or 2 by itself)."""
    top = parser()
    arguments = top.parse_args(argv)
    if arguments.follow and (arguments.mode != Mode.LIVE.value or arguments.document):
        top.error("--follow is for --mode live, over all documents")
    try:
        outcome = _runner(arguments, environ).run()
        channel.send(outcome.record)
    except permit.LiveRefused as refusal:
        print(f"LIVE refused: {refusal}", file=sys.stderr)
        return REFUSED
    except tuple(_FAILURES) as error:
        print(f"cutter_agent: {error}", file=sys.stderr)
        return next(code for kind, code in _FAILURES.items() if isinstance(error, kind))
    return STOPPED if outcome.stopped else 0


def _runner(
    arguments: argparse.Namespace, environ: Mapping[str, str]
) -> OrchestratorRunner | Follower:
    mode, journal = Mode(arguments.mode), Journal(sys.stderr)
    open_store = partial(_open_store, arguments, environ)
    if arguments.follow:
        leave = partial(permit.obtain, environ, permit.SERVE)
        return Follower(open_store, obtain_permit=leave, journal=journal)
    return OrchestratorRunner(
        mode,
        open_store,
        documents=arguments.document,
        resume=environ.get("KEYTURN_RESUME", ""),
        obtain_permit=partial(permit.obtain, environ, permit.LIVE),
        journal=journal,
    )


def _open_store(
    arguments: argparse.Namespace, environ: Mapping[str, str], writable: bool
) -> Store:
    secret = WRITER if arguments.mode == Mode.LIVE.value else READER
    target = resolve(arguments.store, arguments.dsn_file, environ, secret)
    if target.backend == "postgres":
        return PgStore(target, writable=writable)
    return SqliteStore(target.path, writable=writable)


if __name__ == "__main__":
    process_channel = Channel.of_process()
    sys.exit(main(None, os.environ, process_channel))
