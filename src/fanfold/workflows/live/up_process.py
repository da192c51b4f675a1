"""Brings a deployment up for its Ray Serve application, and ends.

``python -m fanfold.workflows.live.up_process CONFIG ADDRESS [A.B=VALUE ...]``: a process of its
own, since Ray ends what a replica has started together with the replica.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fanfold.errors import FanfoldError
from fanfold.live.folder import UMASK
from fanfold.settings import read_settings
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.up import up

MODULE: Final = "fanfold.workflows.live.up_process"

_WORDS_MIN: Final = 3


def main(words: Sequence[str]) -> int:
    """The command; 0 where the deployment is up, if halted."""
    if len(words) < _WORDS_MIN:
        sys.stderr.write(f"usage: python -m {MODULE} CONFIG ADDRESS [A.B=VALUE ...]\n")
        return 2
    os.umask(UMASK)
    _, config, address, *overrides = words
    try:
        job = read_settings(Path(config), overrides, LiveJob)
        up(job, _say, address=address, with_page=False)
    except FanfoldError as error:
        _say(str(error))
        return 1
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"fanfold: {line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv))
