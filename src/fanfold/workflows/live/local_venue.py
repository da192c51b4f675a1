"""The local venue of a deployment: a process of its own that outlives the command."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from fanfold.alpaca.credentials import KEY_ID_VARIABLES, SECRET_VARIABLES, Credentials
from fanfold.alpaca.secrets import SECRETS_FILE_VARIABLE
from fanfold.alpaca.wire.assets import ClockMessage
from fanfold.alpaca.wire.instants import instant_of
from fanfold.errors import ConfigError, LiveError
from fanfold.live.execution.answers import rows_of
from fanfold.live.execution.blocking import Blocking
from fanfold.live.execution.requests import CLOCK
from fanfold.live.execution.starting import REFUSED
from fanfold.live.folder import Folder, write_durably
from fanfold.live.host import venue_keys_file
from fanfold.live.registry import Entry, born_of, is_running, seen_entry, signal_entry, write_entry
from fanfold.venue.settings import AccountSettings, VenueSettings

VENUE: Final = "venue"
"""Its name among the processes of a deployment."""

READY_S: Final = 120.0
"""How long it may take to be reached: it converts the sample at first [s]."""

STOP_S: Final = 15.0
"""How long it may take to stop [s]."""

ANSWER_S: Final = 10.0
"""How long a broker may take to tell the time [s]."""

_POLL_S: Final = 0.05


def running_venue(folder: Folder) -> dict[str, Any] | None:
    """The line of the deployment's venue, if it runs."""
    if not is_running(seen_entry(folder, VENUE)):
        return None
    try:
        found: dict[str, Any] = json.loads(_line_file(folder).read_bytes())
    except (OSError, ValueError):
        return None
    return found


def start_venue(folder: Folder, settings: VenueSettings, symbols: list[str]) -> dict[str, Any]:
    """Start the deployment's venue, or find it running; the line that it printed.

    What it answered is in its journal, in the deployment's folder, so it goes on where it
    was, at the port where it was.

    Raises:
        ConfigError: A setting of it is not what it must be.
        LiveError: It does not come up.
    """
    found = running_venue(folder)
    if found is not None:
        return found
    settings = _own(folder, settings, symbols)
    account = settings.accounts[0]
    write_durably(
        venue_keys_file(folder),
        msgspec.json.encode((account.key, account.secret.get_secret_value())),
    )
    config = folder.path / "venue.yaml"
    write_durably(config, json.dumps(_plain(settings)).encode())
    out, errors = folder.logs / "venue.out", folder.logs / "venue.err"
    with out.open("wb") as lines, errors.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", "fanfold.cli", "venue", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=said,
            start_new_session=True,
            env=_environ(),
        )
    entry = Entry(
        pid=process.pid,
        born=born_of(process.pid) or 0,
        incarnation=1,
        started_at=time.time_ns(),
    )
    write_entry(folder, VENUE, entry)
    line = _first_line(process, out, errors)
    write_durably(_line_file(folder), json.dumps(line).encode())
    return line


def stop_venue(folder: Folder) -> bool:
    """Stop it in order, then at once; whether there was one."""
    entry = seen_entry(folder, VENUE)
    if not signal_entry(entry, signal.SIGTERM):
        return False
    until = time.monotonic() + STOP_S
    while is_running(entry):
        if time.monotonic() > until:
            signal_entry(entry, signal.SIGKILL)
            return True
        time.sleep(_POLL_S)
    return True


def broker_now(rest_url: str, keys: Credentials) -> int:
    """What time it is at the broker [ns UTC].

    Raises:
        ConfigError: It refuses the keys.
        LiveError: It does not say.
    """
    rest = Blocking(rest_url, keys, ANSWER_S)
    try:
        answer = rest.get(CLOCK)
    finally:
        rest.close()
    if answer.status in REFUSED:
        raise ConfigError(f"the keys must be those of the account at {rest_url}, are refused")
    told = answer.trouble or f"status {answer.status}"
    found = rows_of(answer, ClockMessage)
    if found is not None:
        try:
            return instant_of(found.timestamp)
        except ValueError as error:
            told = str(error)
    raise LiveError(f"the broker must tell the time at {rest_url}, did not: {told}")


def _own(folder: Folder, settings: VenueSettings, symbols: list[str]) -> VenueSettings:
    """The venue of this deployment: its journal in the folder, its symbols, its old port."""
    changed: dict[str, Any] = {"accounts": [_numbered(folder, one) for one in settings.accounts]}
    if settings.journal is None:
        changed["journal"] = folder.path / "venue.db"
    if settings.replay.symbols is None:
        changed["replay"] = settings.replay.model_copy(update={"symbols": symbols})
    missing = [one for one in symbols if one not in (settings.replay.symbols or symbols)]
    if missing:
        raise ConfigError(
            f"venue.replay.symbols must hold what is traded, does not: {', '.join(missing)}"
        )
    if settings.port == 0:
        changed["port"] = _port_before(folder)
    return settings.model_copy(update=changed)


def _numbered(folder: Folder, account: AccountSettings) -> AccountSettings:
    """An account with a number of its own: venues with the same keys hold different ones."""
    if account.number:
        return account
    text = hashlib.sha256(f"{folder.path}\n{account.key}".encode()).hexdigest()[:8]
    return account.model_copy(update={"number": f"PA{int(text, 16) % 10**9:09d}"})


def _port_before(folder: Folder) -> int:
    """The port of the venue before this one: a plan knows its addresses."""
    try:
        line: dict[str, Any] = json.loads(_line_file(folder).read_bytes())
        return urlsplit(str(line["rest_url"])).port or 0
    except (OSError, ValueError, KeyError):
        return 0


def _plain(settings: VenueSettings) -> dict[str, Any]:
    """All settings as plain values, the made-up secrets too: its file is its owner's."""
    content = settings.model_dump(mode="json")
    for shown, account in zip(content["accounts"], settings.accounts, strict=True):
        shown["secret"] = account.secret.get_secret_value()
    return content


def _environ() -> dict[str, str]:
    """The environment without keys: they are none of its business."""
    hidden = (*KEY_ID_VARIABLES, *SECRET_VARIABLES, SECRETS_FILE_VARIABLE)
    return {name: text for name, text in os.environ.items() if name not in hidden}


def _first_line(process: subprocess.Popen[bytes], out: Path, errors: Path) -> dict[str, Any]:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        content = out.read_bytes()
        if b"\n" in content:
            return json.loads(content.partition(b"\n")[0])
        if process.poll() is not None:
            said = errors.read_text(errors="replace").strip().splitlines()[-1:]
            text = said[0].removeprefix("fanfold: ") if said else f"exit {process.returncode}"
            raise ConfigError(f"the local venue must start, said: {text}")
        time.sleep(_POLL_S)
    process.kill()
    raise LiveError(f"the local venue must be ready within {READY_S:g} s, was not")


def _line_file(folder: Folder) -> Path:
    return folder.path / "venue.json"
