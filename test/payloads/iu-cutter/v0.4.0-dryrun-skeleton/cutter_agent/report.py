"""Units as something to look at: a summary, an outline, JSON lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from .model import Unit


def shorten(text: str, width: int) -> str:
    """The text on one line in at most ``width`` characters, cut at a word where possible."""
    flat = " ".join(text.split())
    if len(flat) <= width:
        return flat
    head = flat[: width - 1]
    return (head.rpartition(" ")[0] or head) + "…"


def summary(units: Sequence[Unit], lang: str) -> str:
    """Counts by kind, the deepest level and the language, one per line."""
    kinds = Counter(unit.kind for unit in units)
    lines = [f"language   {lang}", f"units      {len(units)}"]
    lines += [f"{kind:<10} {count}" for kind, count in sorted(kinds.items())]
    lines.append(f"depth      {max(unit.depth for unit in units) + 1}")
    return "\n".join(lines)


def outline(units: Iterable[Unit], width: int = 88) -> str:
    """One line per unit, indented by depth: kind, number, start of the text."""
    lines = []
    for unit in units:
        label = f"{'  ' * unit.depth}{unit.kind} {unit.number}"
        text = shorten(unit.text, max(16, width - len(label) - 2))
        lines.append(f"{label}  {text}".rstrip())
    return "\n".join(lines)


def json_lines(units: Iterable[Unit]) -> str:
    """One JSON object per unit and line, in the letters of the document."""
    return "\n".join(json.dumps(unit.as_dict(), ensure_ascii=False) for unit in units)
