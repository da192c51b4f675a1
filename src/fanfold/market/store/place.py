"""Where a store is: a local folder, or what pyarrow's file systems reach by URL.

A file appears whole or not at all: locally it is written beside its place, flushed to
the disk and renamed; an object store shows an object when its upload is complete.
"""

import errno
import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow

LOCK_SECONDS_MAX: Final = 600.0
"""How long a writer waits for another one of the same series [s]."""

CONNECT_SECONDS_MAX: Final = 5.0
"""How long a request to an object store waits for a connection [s]."""

SILENT_SECONDS_MAX: Final = 10.0
"""How long a request to an object store may bring no byte [s]."""

ATTEMPTS_MAX: Final = 3
"""How often a request to an object store is made before it failed [times]."""

_LOCK_POLL_SECONDS: Final = 0.02
_LISTINGS_MAX: Final = 20
"""Times that a folder is listed until it holds still [times]."""

_LOCKS: Final = ".locks"
_PART: Final = ".part-"


@dataclass(frozen=True)
class Place:
    """A folder of a file system.

    Attributes:
        text: As it was named, without keys that a URL may hold; for messages.
        uri: A URL, or an absolute local path.
    """

    text: str
    uri: str

    @classmethod
    def of(cls, where: "str | Path | Place") -> "Place":
        """A place by its name.

        Raises:
            ConfigError: A URL that pyarrow does not understand.
        """
        if isinstance(where, Place):
            return where
        name = str(where)
        parts = urlsplit(name)
        if parts.scheme == "file":
            name = unquote(parts.path)
        if "://" not in name:
            return cls(text=name, uri=str(Path(name).expanduser().absolute()))
        place = cls(text=_without_keys(parts), uri=name)
        _ = place._system  # refuses what it does not understand
        return place

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.uri

    @cached_property
    def _system(self) -> tuple[Any, str]:
        """pyarrow's file system and the root within it."""
        import pyarrow.fs as untyped

        fs: Any = untyped
        if self.is_local:
            return fs.LocalFileSystem(), self.uri
        try:
            system, root = fs.FileSystem.from_uri(self.uri)
        except (ValueError, OSError, arrow().ArrowException) as error:
            # The cause would show the whole URL.
            raise self._misnamed(_reason(error).replace(self.uri, self.text)) from None
        if not root:
            raise self._misnamed("it names no bucket")
        return _patient(system), root.rstrip("/")

    def __reduce__(self) -> tuple[Any, ...]:
        """A place travels by its name; a process opens its own file system."""
        return (Place, (self.text, self.uri))

    def __repr__(self) -> str:
        """Its name; never the keys of a URL."""
        return f"Place({self.text!r})"

    def named(self, name: str) -> str:
        """A file or folder below, for messages."""
        return f"{self.text}/{name}" if name else self.text

    def files(self, folder: str, *, deep: bool = False) -> list[str]:
        """Names of the files in a folder, relative to the place, sorted; none if it is not there.

        Args:
            folder: Relative to the place.
            deep: Whether to look into folders below.

        Raises:
            DataError: It cannot be listed.
        """
        if self.is_local:
            return self._local_files(folder, deep=deep)
        import pyarrow.fs as untyped

        fs: Any = untyped
        system, root = self._system
        selector = fs.FileSelector(
            f"{root}/{folder}".rstrip("/"), allow_not_found=True, recursive=deep
        )
        try:
            found = system.get_file_info(selector)
        except OSError as error:
            raise self._refused("readable", folder, error) from error
        names = [one.path[len(root) + 1 :] for one in found if one.type == fs.FileType.File]
        return sorted(name for name in names if not any(p[:1] == "." for p in name.split("/")))

    def _local_files(self, folder: str, *, deep: bool) -> list[str]:
        """A listing is no snapshot: a file may come and another go while it is made.

        So each folder is listed until two in a row are the same.
        """
        before: tuple[list[str], list[str]] | None = None
        for _ in range(_LISTINGS_MAX):
            listed = self._listed(folder)
            if listed == before:
                break
            before = listed
        files, folders = before or ([], [])
        if not deep:
            return files
        below = (name for one in folders for name in self._local_files(one, deep=True))
        return sorted([*files, *below])

    def _listed(self, folder: str) -> tuple[list[str], list[str]]:
        """Files and folders in a local folder, each sorted; none if it is not there."""
        found: dict[bool, list[str]] = {False: [], True: []}
        try:
            with os.scandir(f"{self.uri}/{folder}") as entries:
                for one in entries:
                    if not one.name.startswith("."):
                        found[one.is_dir()].append(f"{folder}/{one.name}")
        except FileNotFoundError:
            return [], []
        except OSError as error:
            raise self._refused("readable", folder, error) from error
        return sorted(found[False]), sorted(found[True])

    def open(self, name: str) -> Any:
        """A file to read from, as pyarrow wants it.

        Raises:
            FileNotFoundError: It is not there.
            DataError: It cannot be read.
        """
        system, root = self._system
        try:
            return system.open_input_file(f"{root}/{name}")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._refused("readable", name, error) from error

    def size(self, name: str) -> int:
        """Bytes of a file.

        Raises:
            FileNotFoundError: It is not there.
        """
        system, root = self._system
        found = system.get_file_info(f"{root}/{name}").size
        if found is None:
            raise FileNotFoundError(name)
        return found

    def write(self, name: str, content: Any) -> None:
        """Write a file, whole or not at all, and for good.

        Raises:
            DataError: It cannot be written, or the disk is full.
        """
        try:
            if self.is_local:
                self._write_local(Path(self.uri, name), content)
                return
            system, root = self._system
            with system.open_output_stream(f"{root}/{name}") as stream:
                stream.write(content)
        except OSError as error:
            raise self._refused("writable", name, error) from error

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is no matter."""
        system, root = self._system
        try:
            system.delete_file(f"{root}/{name}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._refused("writable", name, error) from error

    @contextmanager
    def writing(self, folder: str) -> Generator[None]:
        """One writer of a folder at a time, also of several processes.

        Object stores have no locks: there several writers lose no row, as each adds files
        of its own, but of two that revise the same row at once either may win.

        Raises:
            DataError: Another writer held the folder too long, or no file can be made.
        """
        if not self.is_local:
            yield
            return
        name = f"{hashlib.sha256(folder.encode()).hexdigest()[:16]}.lock"
        try:
            Path(self.uri, _LOCKS).mkdir(parents=True, exist_ok=True)
            lock = Path(self.uri, _LOCKS, name).open("a")  # noqa: SIM115  (closed below)
        except OSError as error:
            raise self._refused("writable", folder, error) from error
        with lock:
            self._acquire(lock, folder)
            self._forget_parts(folder)
            yield

    def _acquire(self, lock: Any, folder: str) -> None:
        until = time.monotonic() + LOCK_SECONDS_MAX
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise DataError(
                        f"{self.named(folder)} must be free for a writer within "
                        f"{LOCK_SECONDS_MAX:g} s, another one still holds it"
                    ) from None
                time.sleep(_LOCK_POLL_SECONDS)
            except OSError as error:  # a file system without locks
                raise self._refused("lockable", folder, error) from error
            else:
                return

    def _forget_parts(self, folder: str) -> None:
        """Remove what a killed writer left half-made; its lock is ours now."""
        try:
            for part in Path(self.uri, folder).glob(f"{_PART}*"):
                part.unlink(missing_ok=True)
        except OSError as error:
            raise self._refused("writable", folder, error) from error

    @staticmethod
    def _write_local(file: Path, content: Any) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{_PART}{uuid.uuid4().hex}")
        try:
            with part.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(file.parent)

    def _misnamed(self, reason: str) -> ConfigError:
        return ConfigError(
            "store must be a folder or a URL such as s3://bucket/folder, was "
            f"{self.text!r}: {reason}"
        )

    def _refused(self, how: str, name: str, error: OSError) -> DataError:
        return DataError(f"{self.named(name)} must be {how}: {_reason(error)}")


def _without_keys(url: SplitResult) -> str:
    """A URL for messages: without its query, and without what stands before an @.

    A secret that holds a slash, which had to be quoted, reaches into the path.
    """
    host, path = url.netloc.rpartition("@")[2], url.path
    if ":" in host and "@" in path:
        host, path = "", path.rpartition("@")[2]
    return f"{url.scheme}://{host}{path.rstrip('/')}"


def _patient(system: Any) -> Any:
    """The same file system, of an object store one that gives up within a minute."""
    if system.type_name != "s3":
        return system
    import pyarrow.fs as untyped

    fs: Any = untyped
    _, (options,) = system.__reduce__()
    return fs.S3FileSystem(
        **options
        | {
            "connect_timeout": CONNECT_SECONDS_MAX,
            "request_timeout": SILENT_SECONDS_MAX,
            "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS_MAX),
        }
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space left on the device"
    first = str(error).splitlines()
    return first[0] if first else type(error).__name__
