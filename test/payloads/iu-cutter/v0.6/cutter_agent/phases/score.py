"""Score: how sure are we, from 0 to 100, that a unit stands as it was cut?"""

from __future__ import annotations

from dataclasses import replace

from ..docstate import DocState, Draft

_PENALTIES = {
    "broken-reference": 35,
    "repeated-number": 35,
    "stray-number": 35,
    "number-gap": 20,
    "mixed-role": 15,
    "long-block": 40,
}
SHORT, LONG = 12, 1200


def points(draft: Draft, codes: list[str]) -> int:
    """100 less a penalty per finding and for a length that units seldom have; never below 0."""
    length = len(draft.unit.text)
    total = 100 - sum(_PENALTIES.get(code, 0) for code in codes)
    if draft.unit.body and length < SHORT:
        total -= 20
    if length > LONG:
        total -= 15
    if not length:
        total -= 10
    return max(0, total)


def run(state: DocState) -> DocState:
    """Score every draft from its own text and the findings at its address."""
    codes: dict[str, list[str]] = {}
    for finding in state.findings:
        codes.setdefault(finding.address, []).append(finding.code)
    return replace(state, drafts=tuple(
        replace(draft, score=points(draft, codes.get(draft.unit.address, [])))
        for draft in state.drafts
    ))
