"""A signal in a process of its own, to be killed.

``python live_signal_child.py FOLDER FEED`` takes the envelopes of a feed, one after the
other, from the first that is not on its tape; then it prints a digest of its state.
"""

import sys
from pathlib import Path

import msgspec

from fanfold.live.folder import Folder
from fanfold.live.messages import SIGNAL, decode
from fanfold.live.signal.signal import Signal
from fanfold.live.tape import read_tape

HOUR = 3_600 * 10**9


def taken_from(folder: Folder) -> int:
    """How many envelopes of others are on the tape."""
    frames = read_tape(folder.tapes, SIGNAL)
    return sum(decode(content).sender != SIGNAL for _, _, content in frames)


def say(line: str) -> None:
    """Tell the parent."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(path: str, feed: str) -> None:
    """Take what is left of the feed."""
    folder = Folder(Path(path))
    envelopes = msgspec.msgpack.decode(Path(feed).read_bytes(), type=list[bytes])
    signal = Signal.opened(folder, 1, 0)
    signal.arm(1, 1)
    say("open")
    begin = taken_from(folder)
    for number, raw in enumerate(envelopes[begin:], begin):
        signal.take(decode(raw), raw, number)
        if number % 7 == 0:
            signal.tick(number * HOUR)
    say(signal.digest())
    signal.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
