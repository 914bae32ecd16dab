"""Link: cross references, resolved to addresses where their target is in the document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..docstate import DocState, Finding

_ACT_VI = r"(?!\s+(?:của\s+)?(?:Bộ luật|Luật|Nghị định|Thông tư)\b(?!\s+này))"
_ACT_EN = r"(?!\s+of\s+(?:the\s+)?(?:[A-Z]\w+\s+)*(?:Law|Act|Code|Decree)\b)"
_VIETNAMESE = re.compile(
    r"(?:điểm\s+(?P<point>[a-zđ])\s+)?(?:khoản\s+(?P<clause>\d+)\s+)?"
    r"Điều\s+(?:(?P<article>\d+[a-zđ]?)\b|(?P<here>này)\b)" + _ACT_VI,
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"(?:(?i:point)\s+\(?(?P<point>[a-z])\)?\s+of\s+)?(?:(?i:clause)\s+(?P<clause>\d+)\s+of\s+)?"
    r"(?:(?i:article)\s+(?P<article>\d+[a-z]?)\b(?:\((?P<sub>\d+)\))?(?:\((?P<letter>[a-z])\))?"
    r"|(?i:this\s+article)(?P<here>\b))" + _ACT_EN,
)


def references(text: str) -> Iterator[tuple[str, str]]:
    """Each reference as (words, target); a target is ``article:5/clause:2/point:a``.

    "Điều này" and "this Article" give ``.`` for the article. A reference into
    another act ("Điều 5 Luật Đất đai") is not one of ours and is left out.
    """
    for pattern in (_VIETNAMESE, _ENGLISH):
        for found in pattern.finditer(text):
            parts = found.groupdict()
            target = "." if parts["here"] is not None else f"article:{parts['article'].lower()}"
            if clause := parts["clause"] or parts.get("sub"):
                target += f"/clause:{clause}"
            if point := parts["point"] or parts.get("letter"):
                target += f"/point:{point.lower()}"
            yield found[0], target


def run(state: DocState) -> DocState:
    """Fill in each draft's references, in order and once each; broken ones are found."""
    addresses = [draft.unit.address for draft in state.drafts]
    drafts, findings = [], []
    for draft in state.drafts:
        refs: dict[str, None] = {}
        for words, target in references(draft.unit.body):
            address = _resolve(target, draft.unit.address, addresses)
            if address:
                refs[address] = None
            else:
                findings.append(Finding("broken-reference", draft.unit.address, words))
        drafts.append(replace(draft, refs=tuple(refs)))
    return replace(state, drafts=tuple(drafts)).noting(*findings)


def _resolve(target: str, source: str, addresses: list[str]) -> str:
    """The first address that ends in the target; empty when there is none."""
    if target.startswith("."):
        own = re.match(r"(?:.*/)?article:[^/]+", source)
        wanted = own[0] + target[1:] if own else ""
        return wanted if wanted in addresses else ""
    matches = (a for a in addresses if a == target or a.endswith("/" + target))
    return next(matches, "")
