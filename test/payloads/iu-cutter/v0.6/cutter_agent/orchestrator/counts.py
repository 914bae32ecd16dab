"""How much a store holds, before and after."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Rows in the two tables. The same two numbers a deployer compares around a dry run."""

    documents: int
    units: int

    def __post_init__(self) -> None:
        if self.documents < 0 or self.units < 0:
            raise ValueError("a count is never negative")

    def __str__(self) -> str:
        return f"documents {self.documents}, units {self.units}"

    def growth(self, after: Counts) -> tuple[int, int]:
        """By how many documents and units ``after`` differs from this."""
        return after.documents - self.documents, after.units - self.units
