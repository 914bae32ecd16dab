"""What a single line announces: a heading, a clause, a point, a list item, a table row.

A line is judged on its own, with one rule above all: prose that merely
*mentions* an article ("Điều 5 của Luật này ...") announces nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import numerals

CLAUSE_RANK, POINT_RANK, SUBPOINT_RANK = 5, 9, 10

_ROMAN = r"[IVXLC]+(?=[\s.:–—-]|$)"
_DIGITS = r"\d+[a-zđ]?(?=[\s.:–—-]|$)"
_ORDINAL = r"(?i:thứ\s+\w+)"
_LETTER = r"[A-Z](?=[\s.:–—-]|$)"

_HEADINGS = tuple(
    (kind, rank, re.compile(rf"(?i:{words})\s+({'|'.join(numbers)})"))
    for kind, rank, words, numbers in (
        ("part", 1, "phần|part", (_ORDINAL, _ROMAN, _DIGITS)),
        ("appendix", 1, "phụ lục|appendix|annex", (_ROMAN, _DIGITS, _LETTER)),
        ("chapter", 2, "chương|chapter", (_ROMAN, _DIGITS)),
        ("section", 3, "mục|section", (_ROMAN, _DIGITS)),
        ("article", 4, "điều|article", (_DIGITS,)),
    )
)
_MARKDOWN = re.compile(r"(#{1,4})\s+(\S.*)")
_CLAUSE = re.compile(r"(?:(?i:khoản|clause)\s+)?(\d{1,3}(?:\.\d{1,3}){0,3})[.):]\s+(\S.*)")
_DECIMAL = re.compile(r"(\d{1,3}(?:\.\d{1,3}){1,3})\s+(\S.*)")
_SUBPOINT = re.compile(r"\(([ivx]+)\)\s+(\S.*)")
_POINT = re.compile(r"(?:(?i:điểm|point)\s+)?\(?([a-zđ])\)\s+(\S.*)")
_BULLET = re.compile(r"[-•*+–]\s+(\S.*)")
_ROW = re.compile(r"\|.*\|")


@dataclass(frozen=True)
class Marker:
    """What the line opens. ``rank`` orders containers: smaller is further out."""

    kind: str
    number: str
    text: str
    rank: int


def match(line: str) -> Marker | None:
    """The marker at the start of a line, or None for plain prose."""
    line = line.strip()
    return _heading(line) or _numbered(line) or _listed(line)


def looks_like_title(line: str) -> bool:
    """Whether a plain line right below an untitled heading is that heading's title."""
    line = line.strip()
    return bool(line) and (line.isupper() or (len(line) <= 120 and line[-1] not in ".;:,"))


def _heading(line: str) -> Marker | None:
    for kind, rank, pattern in _HEADINGS:
        found = pattern.match(line)
        if found is None:
            continue
        title = _title(line[found.end():])
        number = " ".join(found[1].split())
        lettered = kind == "appendix" and len(number) == 1 and number not in "IVX"
        number = number.casefold() if lettered else numerals.canonical(number)
        if title is None or (number.isalpha() and kind != "appendix"):
            return None
        return Marker(kind, number, title, rank)
    found = _MARKDOWN.fullmatch(line)
    return Marker("heading", "", found[2].strip(), len(found[1])) if found else None


def _title(rest: str) -> str | None:
    """The title after a heading's number; None when what follows is prose."""
    rest = rest.strip()
    if not rest:
        return ""
    if rest[0] in ".:–—-":
        return rest.lstrip(".:–—- ")
    return rest if rest.isupper() else None


def _numbered(line: str) -> Marker | None:
    if found := _CLAUSE.fullmatch(line):
        return _clause(found)
    found = _DECIMAL.fullmatch(line)
    if found and found[2][0].isupper():
        return _clause(found)
    if found := _SUBPOINT.fullmatch(line):
        try:
            numerals.from_roman(found[1])
        except ValueError:
            return None
        return Marker("subpoint", found[1], found[2], SUBPOINT_RANK)
    if found := _POINT.fullmatch(line):
        return Marker("point", found[1], found[2], POINT_RANK)
    return None


def _clause(found: re.Match[str]) -> Marker:
    return Marker("clause", found[1], found[2], CLAUSE_RANK + found[1].count("."))


def _listed(line: str) -> Marker | None:
    if _ROW.fullmatch(line):
        return Marker("table", "", line, 0)
    if found := _BULLET.fullmatch(line):
        return Marker("list", "", found[1], 0)
    return None
