"""Classify: what a unit does - oblige, forbid, permit, define, or state."""

from __future__ import annotations

import re
from dataclasses import replace

from ..docstate import DocState, Draft, Finding


def _cues(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


_FORBID = _cues(
    "không được(?: phép)?", "nghiêm cấm", "bị cấm", "cấm",
    "(?:must|shall|may|should) not", "(?:is|are) prohibited", "no \\w+ (?:shall|may)",
)
_OBLIGE = _cues("phải", "có trách nhiệm", "có nghĩa vụ", "must", "shall", "(?:is|are) required to")
_PERMIT = _cues("có quyền", "được phép", "có thể", "may", "(?:is|are) entitled to")
_DEFINE = _cues("nghĩa là", "được hiểu là", "means", "refers to")


def role_of(text: str) -> tuple[str, bool]:
    """The role of a text, and whether it both obliges and permits.

    Prohibitions are taken out first: "không được phép" permits nothing. A
    definition is a definition whatever else it says.
    """
    if _DEFINE.search(text):
        return "definition", False
    rest, forbidden = _FORBID.subn(" ", text)
    obliges, permits = bool(_OBLIGE.search(rest)), bool(_PERMIT.search(rest))
    mixed = obliges and permits
    if forbidden:
        return "prohibition", mixed
    if obliges:
        return "obligation", mixed
    return ("permission" if permits else "statement"), mixed


def run(state: DocState) -> DocState:
    """Give every draft a role; a unit that both obliges and permits is found.

    A point below a clause that ends in a colon carries on its sentence: when
    it has no role of its own it takes the clause's.
    """
    drafts: list[Draft] = []
    findings = []
    leading: dict[str, str] = {}  # address of a text ending in a colon, to its role
    for draft in state.drafts:
        unit = draft.unit
        if not unit.body:
            role, mixed = "heading", False
        elif unit.kind == "table":
            role, mixed = "data", False
        else:
            role, mixed = role_of(unit.body)
            if role == "statement":
                role = leading.get(unit.parent, role)
            if unit.body.endswith(":"):
                leading[unit.address] = role
        if mixed:
            findings.append(Finding("mixed-role", unit.address, "both obliges and permits"))
        drafts.append(replace(draft, role=role))
    return replace(state, drafts=tuple(drafts)).noting(*findings)
