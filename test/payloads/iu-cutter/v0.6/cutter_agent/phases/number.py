"""Number: is every sequence of numbers complete and in order?"""

from __future__ import annotations

import re

from ..docstate import DocState, Finding
from ..model import Unit
from ..numerals import ENGLISH_LETTERS, VIETNAMESE_LETTERS, next_letter

_DIGITS = re.compile(r"(\d+)([a-zđ]?)")


def follows(kind: str, before: str, number: str, lang: str) -> bool:
    """Whether ``number`` may come right after ``before`` (empty at the start).

    5 and 5a may follow 4a, 5 may follow 4; an inserted "a" may follow its own
    number. Kinds that are not numbered in sequence always follow.
    """
    if kind == "point":
        letters = VIETNAMESE_LETTERS if lang == "vi" else ENGLISH_LETTERS
        if before and before not in letters:
            return False
        return number == (next_letter(before, lang) if before else "a")
    if kind == "clause":
        before, number = before.rpartition(".")[2], number.rpartition(".")[2]
    old, new = _DIGITS.fullmatch(before or "0"), _DIGITS.fullmatch(number)
    if kind not in ("part", "chapter", "section", "article", "clause") or not (old and new):
        return True
    if new[2]:
        expected = chr(ord(old[2]) + 1) if old[2] else "a"
        return new[1] == old[1] and new[2] == expected
    return int(new[1]) == int(old[1]) + 1


def run(state: DocState) -> DocState:
    """Find gaps, repeats and decimal clauses outside their clause.

    Articles count through the whole document, or through their appendix;
    everything else counts below its parent. The numbers themselves are the
    document's and stay as they are.
    """
    last: dict[tuple[str, str], str] = {}
    findings = []
    for unit in (draft.unit for draft in state.drafts):
        if problem := _problem(unit, last, state.lang):
            findings.append(Finding(*problem))
        last[_sequence(unit)] = unit.number
    return state.noting(*findings)


def _sequence(unit: Unit) -> tuple[str, str]:
    if unit.kind != "article":
        return unit.kind, unit.parent
    top = unit.address.partition("/")[0]
    return unit.kind, top if top.startswith("appendix:") else ""


def _problem(unit: Unit, last: dict[tuple[str, str], str], lang: str) -> tuple[str, ...] | None:
    if "~" in unit.address.rpartition("/")[2]:
        return "repeated-number", unit.address, f"{unit.kind} {unit.number} occurs again"
    outer = unit.number.rpartition(".")[0] if unit.kind == "clause" else ""
    if outer and not unit.parent.endswith(f"clause:{outer}"):
        return "stray-number", unit.address, f"clause {unit.number} outside clause {outer}"
    before = last.get(_sequence(unit), "")
    if not follows(unit.kind, before, unit.number, lang):
        after = f"after {before}" if before else "at the start"
        return "number-gap", unit.address, f"{unit.kind} {unit.number} {after}"
    return None
