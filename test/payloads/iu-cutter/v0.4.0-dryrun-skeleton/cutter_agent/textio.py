"""Reading text in, and bringing it to one form."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

from .model import CutError

#: Larger inputs are refused: a document of this size is not one document.
MAX_BYTES = 8 * 1024 * 1024

_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u3000\t]")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_VIETNAMESE = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)


def decode(data: bytes) -> str:
    """UTF-8 text, with or without a byte order mark. CutError for anything else."""
    if len(data) > MAX_BYTES:
        raise CutError(f"input is larger than {MAX_BYTES} bytes")
    if b"\0" in data:
        raise CutError("input is binary, not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CutError(f"input is not UTF-8 (byte {error.start})") from None


def read_text(name: str) -> str:
    """The text of a file, or of standard input for ``-``. CutError if it cannot be read."""
    if name == "-":
        return decode(sys.stdin.buffer.read(MAX_BYTES + 1))
    try:
        with Path(name).open("rb") as file:
            return decode(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise CutError(f"cannot read {name}: {error.strerror}") from None


def tidy(text: str) -> str:
    """Composed characters, plain spaces, ``\\n`` line ends, nothing invisible.

    Idempotent, and it never changes the number of lines: a line number in the
    result is a line number in the source.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text))
    return "\n".join(line.rstrip() for line in text.split("\n"))


def guess_language(text: str) -> str:
    """``vi``, ``en`` or ``und``, from the share of letters only Vietnamese uses."""
    letters = sum(char.isalpha() for char in text)
    if not letters:
        return "und"
    marked = len(_VIETNAMESE.findall(unicodedata.normalize("NFC", text)))
    return "vi" if marked / letters > 0.05 else "en"
