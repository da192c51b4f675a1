"""Exit with 0 if every address that is named answers 200: the health check of a container.

It needs nothing but Python, so a check does not wait for a package to be imported.
"""

import sys
import urllib.error
import urllib.request
from typing import Final

ANSWER_S: Final = 3.0
"""How long an answer may take [s]."""


def main() -> int:
    """Ask each address in turn; the exit code."""
    addresses = sys.argv[1:]
    if not addresses:
        sys.stderr.write("fanfold: healthy.py must be given an address\n")
        return 2
    return int(not all(map(answers, addresses)))


def answers(address: str) -> bool:
    """Whether an address answers 200 in time; why not goes to the error stream."""
    if not address.startswith(("http://", "https://")):
        sys.stderr.write(f"fanfold: an address must begin with http, was {address}\n")
        return False
    # No proxy stands between a container and itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=ANSWER_S) as answer:
            return answer.status == 200  # noqa: PLR2004  (HTTP's word for well)
    except (OSError, urllib.error.URLError) as error:
        sys.stderr.write(f"fanfold: {address} must answer 200, did not: {error}\n")
        return False


if __name__ == "__main__":
    sys.exit(main())
