"""Numbers as legal texts write them: Roman, Vietnamese ordinals, point letters."""

from __future__ import annotations

_ROMAN = (
    (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)

_ORDINALS = {
    "nhất": 1, "hai": 2, "ba": 3, "tư": 4, "năm": 5,
    "sáu": 6, "bảy": 7, "tám": 8, "chín": 9, "mười": 10,
}

#: Order of points in Vietnamese legal drafting: đ follows d; f, j, w and z are not used.
VIETNAMESE_LETTERS = "abcdđeghiklmnopqrstuvxy"
ENGLISH_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def to_roman(value: int) -> str:
    """Canonical Roman numeral of 1..399; ValueError outside."""
    if not 1 <= value <= 399:
        raise ValueError(f"no Roman numeral for {value}")
    out = []
    for size, letters in _ROMAN:
        count, value = divmod(value, size)
        out.append(letters * count)
    return "".join(out)


def from_roman(text: str) -> int:
    """Value of a canonical Roman numeral in either case; ValueError for anything else."""
    rest, value = text.upper(), 0
    for size, letters in _ROMAN:
        while rest.startswith(letters):
            rest, value = rest[len(letters):], value + size
    if rest or not 1 <= value <= 399 or to_roman(value) != text.upper():
        raise ValueError(f"not a Roman numeral: {text!r}")
    return value


def from_ordinal(word: str) -> int:
    """Value of a Vietnamese ordinal word ("nhất" is 1); ValueError if unknown."""
    try:
        return _ORDINALS[word.casefold()]
    except KeyError:
        raise ValueError(f"not an ordinal: {word!r}") from None


def canonical(text: str) -> str:
    """One spelling per number: "IV", "thứ tư" and "4" are all "4"; "5A" is "5a"."""
    word = text.strip()
    for read in (from_roman, from_ordinal):
        try:
            return str(read(word.removeprefix("thứ ")))
        except ValueError:
            continue
    return word.casefold()


def next_letter(letter: str, lang: str = "vi") -> str:
    """The point letter that should follow; empty after the last one.

    ValueError when the letter is not used for points in that language.
    """
    letters = VIETNAMESE_LETTERS if lang == "vi" else ENGLISH_LETTERS
    return letters[letters.index(letter) + 1:][:1]
