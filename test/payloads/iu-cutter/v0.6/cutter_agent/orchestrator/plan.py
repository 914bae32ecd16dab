"""What a run does, step by step, in each mode."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..phases import PHASES


class Mode(enum.Enum):
    """DRYRUN reads and reports; LIVE writes, if it is let."""

    DRYRUN = "dryrun"
    LIVE = "live"


#: The phase after which each stop gate stands. SG1 shows the units as cut and
#: reviewed; SG2 shows what storing them would change.
GATES = {"review": "SG1", "commit": "SG2"}


@dataclass(frozen=True)
class Step:
    """One step: a phase over all documents, a stop gate, or the storing of changes."""

    action: str
    name: str


def steps(mode: Mode) -> tuple[Step, ...]:
    """The steps of a mode. Only DRYRUN has gates; only LIVE has ``apply``.

    LIVE does not stop: its authority was given from outside, for the whole
    run, before it began.
    """
    planned = []
    for name in PHASES:
        planned.append(Step("phase", name))
        if mode is Mode.DRYRUN and name in GATES:
            planned.append(Step("gate", GATES[name]))
    if mode is Mode.LIVE:
        planned.append(Step("apply", "apply"))
    return tuple(planned)


def gates_in_order() -> tuple[str, ...]:
    """The names of the stop gates in the order a dry run reaches them."""
    return tuple(step.name for step in steps(Mode.DRYRUN) if step.action == "gate")
