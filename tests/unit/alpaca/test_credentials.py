import pickle
import traceback
from pathlib import Path

import pytest

from fanfold.alpaca import Credentials, Secret, credentials_found, find_secret
from fanfold.errors import ConfigError

SHOWN = "a-very-secret-text"
KEYS = {"APCA_API_KEY_ID": "PK1", "APCA_API_SECRET_KEY": SHOWN}


def secrets_file(folder: Path, content: str, mode: int = 0o600) -> dict[str, str]:
    """An environment that names a file of secrets."""
    file = folder / "secrets"
    file.write_text(content)
    file.chmod(mode)
    return {"FANFOLD_SECRETS": str(file)}


def revealed(found: Credentials | None) -> tuple[str, str]:
    assert found is not None
    return found.key_id.reveal(), found.secret.reveal()


def test_keys_come_from_the_environment_under_either_name() -> None:
    assert revealed(credentials_found(KEYS)) == ("PK1", SHOWN)
    other = {"ALPACA_API_KEY": "PK2", "ALPACA_SECRET_KEY": "two"}
    assert revealed(credentials_found(other)) == ("PK2", "two")
    assert revealed(credentials_found(other | KEYS)) == ("PK1", SHOWN)


def test_keys_come_from_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    lines = "# mine\n\nexport APCA_API_KEY_ID='PK3'\nAPCA_API_SECRET_KEY = a=b\n"
    environ = secrets_file(tmp_path, lines)
    assert revealed(credentials_found(environ)) == ("PK3", "a=b")
    assert revealed(credentials_found(environ | KEYS)) == ("PK1", SHOWN)


def test_there_may_be_none() -> None:
    assert credentials_found({}) is None
    assert credentials_found({"APCA_API_KEY_ID": " ", "APCA_API_SECRET_KEY": ""}) is None


@pytest.mark.parametrize("missing", list(KEYS))
def test_half_a_key_says_which_half_is_missing(missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing} is missing"):
        credentials_found({name: text for name, text in KEYS.items() if name != missing})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    environ = secrets_file(tmp_path, f"APCA_API_SECRET_KEY={SHOWN}\n", mode)
    with pytest.raises(ConfigError, match=rf"owner only, its mode was {mode:04o}: chmod 600 /"):
        credentials_found(environ)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"APCA_API_KEY_ID=PK\n{SHOWN}\n", "line 2 is none"),
        (f"{SHOWN} x={SHOWN}\n", "line 1 is none"),
        ("x" * 70_000, "at most 65536 bytes"),
    ],
)
def test_a_malformed_file_is_refused_without_showing_it(
    tmp_path: Path, content: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        credentials_found(secrets_file(tmp_path, content))
    assert SHOWN not in "".join(traceback.format_exception(raised.value))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="FANFOLD_SECRETS"):
        find_secret(("ANY",), {"FANFOLD_SECRETS": str(tmp_path / "missing")})
    environ = secrets_file(tmp_path, "")
    (tmp_path / "secrets").write_bytes(b"ANY=\xff" + SHOWN.encode())
    with pytest.raises(ConfigError, match="UTF-8") as raised:
        find_secret(("ANY",), environ)
    assert SHOWN not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("text", ["two\nlines", "nön-ascii"])
def test_what_no_header_can_carry_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError, match="APCA_API_SECRET_KEY must be printable") as raised:
        credentials_found(KEYS | {"APCA_API_SECRET_KEY": text})
    assert text not in str(raised.value)


def test_a_secret_shows_nowhere() -> None:
    found = credentials_found(KEYS)
    assert SHOWN not in f"{found} {found!r} {Secret(SHOWN)} {Secret(SHOWN)!r}"
    assert "PK1" not in repr(found)
    for held in (found, Secret(SHOWN)):
        with pytest.raises(TypeError, match="must not be pickled") as raised:
            pickle.dumps(held)
        assert SHOWN not in str(raised.value)
