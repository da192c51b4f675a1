"""The page of a deployment as a process of its own.

``python -m fanfold.workflows.live.served FOLDER HOST PORT``; `fanfold.serving.plain` starts it.
Everything is imported before it forks, so a page that dies is back at once.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fanfold.errors import FanfoldError
from fanfold.live.folder import Folder
from fanfold.serving.plain import MODULE, be_page
from fanfold.workflows.live.desk import app_of

_WORDS = 4


def main(words: Sequence[str]) -> int:
    """The command; 0 where it was stopped in order."""
    if len(words) != _WORDS or not Path(words[1]).is_dir():
        sys.stderr.write(f"usage: python -m {MODULE} FOLDER HOST PORT\n")
        return 2
    folder = Folder(Path(words[1]))
    try:
        return be_page(folder, partial(app_of, folder), words[2], int(words[3]))
    except FanfoldError as error:
        sys.stderr.write(f"fanfold: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
