"""Refuse private keys and tokens: a key that was ever committed is known to everybody."""

import re
import sys
from pathlib import Path

# Written in parts, so that this file does not refuse itself.
PRIVATE_KEY = rb"-----BEGIN [A-Z ]*" + rb"PRIVATE KEY-----"
BROKER_KEY = rb"\b[AP]K[0-9A-Z]{18}\b"
KEY = re.compile(PRIVATE_KEY + b"|" + BROKER_KEY)


def main(names: list[str]) -> int:
    """Print the files that hold a key and return the exit code."""
    found = [name for name in names if Path(name).is_file() and KEY.search(Path(name).read_bytes())]
    for name in found:
        sys.stderr.write(f"{name}: must not hold a private key or an API key\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
