"""The values the cutter passes around: blocks, units and the one error."""

from __future__ import annotations

from dataclasses import asdict, dataclass

#: Kinds that carry a number of their own and can contain other units.
CONTAINERS = (
    "part", "appendix", "chapter", "section", "article", "heading", "clause", "point", "subpoint",
)
#: Kinds that hold text only and are numbered by position below their parent.
LEAVES = ("paragraph", "list", "table")


class CutError(Exception):
    """The input cannot be cut; the message says why in one line."""


@dataclass(frozen=True)
class Block:
    """A run of lines that belongs together. ``rank`` is its depth; leaves have 0."""

    kind: str
    number: str
    text: str
    rank: int
    first_line: int
    last_line: int


@dataclass(frozen=True)
class Unit:
    """An information unit. ``address`` is unique in its document.

    An address is a path such as ``chapter:1/article:2/clause:1/point:a``.
    Headings have a title and no body; every other kind has a body.
    """

    address: str
    kind: str
    number: str
    title: str
    body: str
    first_line: int
    last_line: int

    @property
    def parent(self) -> str:
        """The address one step up; empty at the top of the document."""
        return self.address.rpartition("/")[0]

    @property
    def depth(self) -> int:
        """0 for a unit at the top of the document."""
        return self.address.count("/")

    @property
    def text(self) -> str:
        """Title or body, whichever the unit has."""
        return self.title or self.body

    def as_dict(self) -> dict[str, object]:
        """Plain values in field order, for JSON."""
        return asdict(self)
