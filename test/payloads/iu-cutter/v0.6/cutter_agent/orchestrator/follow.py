"""Follow: LIVE that goes on, storing documents as they appear, until SIGTERM.

1. Each document has a transaction of its own, and leave of its own: the gate
   is asked before it, so that a gate that has closed since ends the run.
2. SIGTERM ends the run wherever it is. What is not committed by then is rolled
   back, and the closeout counts what is: a signal waits for the one moment
   between a commit and its place in the closeout.
3. Nothing is remembered but what was read: started anew, a run finds by the
   stored digests that there is nothing left to do.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

from ..docstate import PhaseError
from .journal import Journal
from .plan import Mode
from .runner import OpenStore, OrchestratorRunner, Outcome
from .store import NoSuchDocument, SourceDocument, Store

POLL_SECONDS = 0.2


class Stopped(BaseException):
    """The process was told to stop. No Exception, so that nothing takes it for a failure."""


class Follower:
    """Runs once, in the main thread, and leaves SIGTERM ignored: only the closeout is still due."""

    def __init__(
        self, open_store: OpenStore, *, obtain_permit: Callable[[], None], journal: Journal
    ) -> None:
        self._open_store = open_store
        self._obtain_permit = obtain_permit
        self._journal = journal
        self._seen: dict[str, SourceDocument] = {}
        self._totals = dict.fromkeys(("documents", "units", "inserted", "updated", "mutations"), 0)

    def run(self) -> Outcome:
        """Store documents until SIGTERM. Raises what a LIVE run raises; what was stored stays."""
        signal.signal(signal.SIGTERM, _stop)
        try:
            self._obtain_permit()
            while True:
                self._round()
                time.sleep(POLL_SECONDS)
        except Stopped:
            self._journal.note("follow", "told to stop")
            return Outcome(False, {"closeout": self._totals})

    def _round(self) -> None:
        with self._open_store(False) as store:
            sources = store.documents()
        for source in sources:
            if self._seen.get(source.id) != source:
                self._take(source)
                self._seen[source.id] = source

    def _take(self, source: SourceDocument) -> None:
        runner = OrchestratorRunner(
            Mode.LIVE,
            self._open_store,
            documents=(source.id,),
            obtain_permit=self._obtain_permit,
            commit=self._commit,
        )
        try:
            done = runner.run().record["closeout"]
        except (PhaseError, NoSuchDocument) as error:
            self._journal.note("document", f"left out: {error}")
            return
        self._journal.note("document", f"{source.id} stored: {done}")

    def _commit(self, store: Store, closeout: dict[str, object]) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            store.commit()
            for name, count in closeout["closeout"].items():
                self._totals[name] += count
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise Stopped
