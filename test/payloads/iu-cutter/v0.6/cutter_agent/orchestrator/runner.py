"""The runner: a mode's steps over a store, from loading to closeout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .closeout import record
from .gates import ResumeToken, passes, stop_record
from .journal import Journal
from .permit import LiveRefused
from .plan import Mode, steps
from .state import RunState
from .store import Store

#: Opens the store for reading, or for writing when called with True.
OpenStore = Callable[[bool], Store]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: ``stopped`` at a gate or not, and the record to hand out."""

    stopped: bool
    record: dict[str, object]


#: Makes the changes of a LIVE run last, given the store and the run's closeout.
Commit = Callable[[Store, dict[str, object]], None]


def _no_gate() -> None:
    raise LiveRefused("no execution gate was given to the runner")


def _commit(store: Store, _closeout: dict[str, object]) -> None:
    store.commit()


class OrchestratorRunner:
    """Runs once. DRYRUN opens its store for reading only.

    In LIVE ``obtain_permit`` is called first, and the store is opened only if
    it returns: this is the one place in the package that opens a store for
    writing. Without ``obtain_permit`` LIVE is always refused.
    """

    def __init__(
        self,
        mode: Mode,
        open_store: OpenStore,
        *,
        documents: Iterable[str] = (),
        resume: str = "",
        obtain_permit: Callable[[], None] = _no_gate,
        commit: Commit = _commit,
        journal: Journal | None = None,
    ) -> None:
        self.mode = mode
        self._open_store = open_store
        self._documents = tuple(documents)
        self._resume = resume
        self._obtain_permit = obtain_permit
        self._commit = commit
        self._journal = journal or Journal()

    def run(self) -> Outcome:
        """Run to the next stop gate or to the end.

        Raises LiveRefused, TokenRefused, PhaseError, StoreError or
        CloseoutError; after any of them nothing is stored, since LIVE commits
        last, when its closeout has proved true.
        """
        if self.mode is Mode.LIVE:
            self._obtain_permit()
        token = ResumeToken.decode(self._resume) if self._resume else None
        with self._open_store(self.mode is Mode.LIVE) as store:
            return self._run(store, token)

    def _run(self, store: Store, token: ResumeToken | None) -> Outcome:
        before = store.counts()
        self._journal.note("store", f"at the start: {before}")
        state = RunState.load(store, self._documents)
        for step in steps(self.mode):
            if step.action == "phase":
                state = state.advance(step.name)
                found = state.total("findings")
                self._journal.note("phase", f"{step.name}, findings so far {found}")
            elif step.action == "apply":
                self._journal.note("apply", f"rows changed {store.apply(state.changes())}")
            elif passes(step.name, state, token):
                self._journal.note("gate", f"{step.name} passed")
            else:
                self._journal.note("gate", f"{step.name} stops the run")
                return Outcome(True, stop_record(step.name, state))
        after = store.counts()
        self._journal.note("store", f"at the end: {after}")
        closeout = record(self.mode, state, before, after, store.mutations)
        if self.mode is Mode.LIVE:
            self._commit(store, closeout)
        return Outcome(False, closeout)
