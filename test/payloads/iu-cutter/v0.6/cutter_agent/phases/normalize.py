"""Normalize: one form of characters, and no page furniture."""

from __future__ import annotations

import re
from dataclasses import replace

from ..docstate import DocState, Finding
from ..textio import guess_language, tidy

_PAGE_NUMBER = re.compile(
    r"\s*(?:(?:trang|page)\s+\d+(?:\s*(?:/|of|trên)\s*\d+)?|-\s*\d+\s*-)\s*", re.IGNORECASE
)
_REPEATS = 3


def run(state: DocState) -> DocState:
    """Tidy the text, drop page numbers and running headers, settle the language.

    Dropped lines become empty, so line numbers stay those of the source. A
    running header is the first line of a page, after a form feed or a page
    number, that occurs there at least three times in the same words.
    """
    lines = tidy(state.text).split("\n")
    headers = _running_headers(lines)
    kept, dropped = [], 0
    for line in lines:
        furniture = bool(line) and (line.strip() in headers or _PAGE_NUMBER.fullmatch(line))
        dropped += bool(furniture)
        kept.append("" if furniture else line)
    text = "\n".join(kept)
    state = replace(state, text=text, lang=guess_language(text))
    if dropped:
        state = state.noting(Finding("page-furniture", "", f"lines left out: {dropped}"))
    return state


def _running_headers(lines: list[str]) -> set[str]:
    seen: dict[str, int] = {}
    fresh = False
    for line in lines:
        if line.startswith("\f") or (fresh and line.strip()):
            head = line.strip()
            seen[head] = seen.get(head, 0) + 1
            fresh = False
        if _PAGE_NUMBER.fullmatch(line):
            fresh = True
    return {head for head, count in seen.items() if count >= _REPEATS and head}
