"""From lines to blocks: which lines belong together, and what they are."""

from __future__ import annotations

from dataclasses import replace

from . import patterns
from .model import Block

_FLOWING = ("paragraph", "list", "clause", "point", "subpoint")
_HEADINGS = ("part", "appendix", "chapter", "section", "article")


def split_blocks(text: str) -> list[Block]:
    """All blocks of a tidied text, in order.

    A blank line ends a block. A plain line continues the block above it, or
    gives an untitled heading its title, or starts a paragraph. Line numbers
    count from 1.
    """
    blocks: list[Block] = []
    open_block: Block | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            open_block = None
            continue
        merged = _merge(open_block, line, number)
        if merged is None:
            open_block = _start(line, number)
            blocks.append(open_block)
        else:
            open_block = blocks[-1] = merged
    return blocks


def _start(line: str, number: int) -> Block:
    marker = patterns.match(line) or patterns.Marker("paragraph", "", line.strip(), 0)
    return Block(marker.kind, marker.number, marker.text, marker.rank, number, number)


def _merge(block: Block | None, line: str, number: int) -> Block | None:
    """The open block grown by this line, or None when the line starts a new one."""
    if block is None:
        return None
    marker = patterns.match(line)
    if marker is not None:
        if marker.kind == block.kind and marker.kind in ("list", "table"):
            return replace(block, text=f"{block.text}\n{marker.text}", last_line=number)
        return None
    plain = line.strip()
    if block.kind in _FLOWING:
        return replace(block, text=f"{block.text} {plain}", last_line=number)
    if block.kind in _HEADINGS and not block.text and patterns.looks_like_title(plain):
        return replace(block, text=plain, last_line=number)
    return None
