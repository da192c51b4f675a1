"""Refuse files too large for the repository: data belongs in a store, not in git."""

import sys
from pathlib import Path

SIZE_KIB_MAX = 1024


def main(names: list[str]) -> int:
    """Print the files that are too large and return the exit code."""
    sizes = {name: Path(name).stat().st_size // 1024 for name in names if Path(name).is_file()}
    for name, size in sizes.items():
        if size > SIZE_KIB_MAX:
            sys.stderr.write(f"{name}: files must be at most {SIZE_KIB_MAX} KiB, was {size}\n")
    return int(any(size > SIZE_KIB_MAX for size in sizes.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
