"""Compile every module of the package in memory: ``tools/compile_check.py [ROOT]``.

Unlike ``compileall`` it writes nothing, so it works where the tree is
read-only. Prints ``compiled N files``; exits 1 and names each file that does
not compile, or says so when there is nothing to compile.
"""

from __future__ import annotations

import sys
from pathlib import Path


def check(root: Path) -> tuple[int, list[str]]:
    """How many files compiled, and one message for each that did not."""
    done, failed = 0, []
    for path in sorted(root.rglob("*.py")):
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            failed.append(f"{path}: {error}")
        else:
            done += 1
    return done, failed


def main(argv: list[str]) -> int:
    """Check the named root, by default the package next to this folder."""
    default = Path(__file__).resolve().parent.parent / "cutter_agent"
    done, failed = check(Path(argv[0]) if argv else default)
    for message in failed:
        print(message, file=sys.stderr)
    print(f"compiled {done} files")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
