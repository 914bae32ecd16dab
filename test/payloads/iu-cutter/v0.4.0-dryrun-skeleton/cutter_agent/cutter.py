"""From blocks to information units: who contains whom, and every unit's address."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from .blocks import split_blocks
from .model import LEAVES, Block, CutError, Unit
from .patterns import CLAUSE_RANK, POINT_RANK
from .textio import tidy

_TITLED = ("part", "appendix", "chapter", "section", "article", "heading")


def cut(text: str) -> list[Unit]:
    """The units of a document in reading order. CutError when there are none."""
    units = units_of(split_blocks(tidy(text)))
    if not units:
        raise CutError("document has no text")
    return units


def units_of(blocks: list[Block] | tuple[Block, ...]) -> list[Unit]:
    """Units of the blocks, each with an address no other unit has.

    A container closes every open container of its own rank or deeper. A
    paragraph closes clauses and points; a list or a table belongs to whatever
    is open. When a number occurs twice under one parent the later unit's
    address ends in ``~2``, ``~3`` and so on.
    """
    stack: list[tuple[int, str, str]] = []  # rank, address, number
    used: Counter[str] = Counter()
    units = []
    for block in blocks:
        block = _settle_letter(block, stack)
        limit = {"paragraph": CLAUSE_RANK, "list": 99, "table": 99}.get(block.kind, block.rank)
        while stack and stack[-1][0] >= limit:
            stack.pop()
        parent = stack[-1][1] if stack else ""
        address = _address(parent, block, used)
        if block.kind not in LEAVES:
            stack.append((block.rank, address, block.number))
        titled = block.kind in _TITLED
        number = block.number or address.rpartition(":")[2]
        units.append(Unit(
            address, block.kind, number,
            block.text if titled else "", "" if titled else block.text,
            block.first_line, block.last_line,
        ))
    return units


def _settle_letter(block: Block, stack: list[tuple[int, str, str]]) -> Block:
    """``(i)`` is a Roman subpoint unless it follows point h, ``(v)`` unless it follows u or t."""
    before = {"i": "h", "v": "ut", "x": "vw"}.get(block.number)
    if block.kind != "subpoint" or before is None:
        return block
    points = [number for rank, _, number in stack if rank == POINT_RANK]
    if points and points[-1] in before:
        return replace(block, kind="point", rank=POINT_RANK)
    return block


def _address(parent: str, block: Block, used: Counter[str]) -> str:
    prefix = f"{parent}/{block.kind}:" if parent else f"{block.kind}:"
    if not block.number:
        used[prefix] += 1
        return f"{prefix}{used[prefix]}"
    address = prefix + block.number
    used[address] += 1
    return address if used[address] == 1 else f"{address}~{used[address]}"
