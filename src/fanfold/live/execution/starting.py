"""What execution needs before it can begin: the account's number, its limits."""

import time
from typing import Any, Final

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.wire.accounts import AccountMessage
from fanfold.errors import ConfigError, DataError, LiveError
from fanfold.live.execution.answers import rows_of
from fanfold.live.execution.blocking import Blocking
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.requests import ACCOUNT
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan
from fanfold.risk.limits import Limits

START_S_MAX: Final = 30.0
"""Longest time that the broker is asked for the account's number [s]."""

PAUSE_S: Final = 0.5
"""Pause between two such questions [s]."""

REFUSED: Final = (401, 403)


def limits_of(plan: Plan) -> Limits:
    """The deployment's limits.

    Raises:
        ConfigError: The plan's are none.
    """
    given: dict[str, Any] = plan.job.get("limits") or {}
    try:
        return Limits.model_validate(given)
    except ValueError as error:
        raise ConfigError(f"the plan's limits must be limits: {error}") from error


def account_number(folder: Folder, plan: Plan, keys: Credentials) -> str:
    """The broker's number of the account: the journal's, else the broker is asked.

    Raises:
        ConfigError: The broker refuses the keys.
        LiveError: It did not answer within `START_S_MAX`.
    """
    if folder.journal.exists():
        try:
            journal = Journal.read(folder.journal)
        except DataError:
            pass  # begun and not written yet, or damaged: who opens it to write says so
        else:
            journal.close()
            return journal.account
    broker = plan.settings.broker
    rest = Blocking(plan.addresses.rest_url, keys, broker.connect_timeout_s)
    until = time.monotonic() + START_S_MAX
    try:
        while True:
            answer = rest.get(ACCOUNT)
            found = rows_of(answer, AccountMessage)
            if found is not None:
                return found.account_number
            if answer.status in REFUSED:
                raise ConfigError("the broker must take the account's keys, it refused them")
            if time.monotonic() > until:
                told = answer.trouble or f"status {answer.status}"
                raise LiveError(f"the broker must say which account it is, last answer: {told}")
            time.sleep(PAUSE_S)
    finally:
        rest.close()
