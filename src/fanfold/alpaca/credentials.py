"""The keys of an Alpaca account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fanfold.alpaca.secrets import SECRETS_FILE_VARIABLE, Secret, find_secret
from fanfold.errors import ConfigError

KEY_ID_VARIABLES: Final = ("APCA_API_KEY_ID", "ALPACA_API_KEY")
"""Where the key's name is looked for."""

SECRET_VARIABLES: Final = ("APCA_API_SECRET_KEY", "ALPACA_SECRET_KEY")
"""Where its secret is looked for."""

HOW_TO_SET: Final = (
    f"set {KEY_ID_VARIABLES[0]} and {SECRET_VARIABLES[0]} in the environment, or as lines "
    f"NAME=VALUE in a file that {SECRETS_FILE_VARIABLE} names"
)
"""What to do where keys are missing or refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key's name and its secret; neither shows.

    Attributes:
        key_id: The key's name.
        secret: Its secret.
    """

    key_id: Secret
    secret: Secret


def credentials_found(environ: Mapping[str, str] | None = None) -> Credentials | None:
    """The account's keys, None if none are set.

    Args:
        environ: The environment; None for this process's.

    Raises:
        ConfigError: One of the two is missing, or the file of secrets is not what it must be.
    """
    key_id, secret = find_secret(KEY_ID_VARIABLES, environ), find_secret(SECRET_VARIABLES, environ)
    if key_id is None and secret is None:
        return None
    if key_id is None or secret is None:
        missing = (KEY_ID_VARIABLES if key_id is None else SECRET_VARIABLES)[0]
        raise ConfigError(f"Alpaca's keys must be set together, {missing} is missing")
    return Credentials(key_id=key_id, secret=secret)


def credentials_of_account() -> Credentials:
    """The keys of the account that this process trades on.

    Raises:
        ConfigError: There are none, or they are not what they must be.
    """
    keys = credentials_found()
    if keys is None:
        raise ConfigError(f"the account's keys must be there: {HOW_TO_SET}")
    return keys
