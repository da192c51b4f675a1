"""The last number that an intent of a deployment had: whatever decides next goes on from it."""

import msgspec

from fanfold.errors import DataError, FanfoldError
from fanfold.live.folder import Folder
from fanfold.live.messages import UNREADABLE
from fanfold.live.risk.keeper import Keeper


def last_number(folder: Folder) -> int:
    """The highest number that execution or risk knows, 0 where neither does.

    Both take an intent with an older number for one that they have heard of.

    Raises:
        DataError: What one of them wrote cannot be read: a number must not come twice.
    """
    return max(_approved(folder), _heard(folder))


def _approved(folder: Folder) -> int:
    from fanfold.live.execution.journal import Journal

    if not folder.journal.is_file():
        return 0
    try:
        journal = Journal.read(folder.journal)
        try:
            return max((one.number for one in journal.approvals().values()), default=0)
        finally:
            journal.close()
    except (FanfoldError, *UNREADABLE) as error:
        raise DataError(f"{folder.journal} must be readable for its numbers: {error}") from None


def _heard(folder: Folder) -> int:
    try:
        return Keeper(folder).load().last_number
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"what risk kept must be readable for its numbers: {error}") from None
