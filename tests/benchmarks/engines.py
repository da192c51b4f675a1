"""The engines as processes: each in its own environment, held to one core, asked by line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]

OURS = "fanfold"
SCRIPTS = {
    OURS: "ours.py",
    "vectorbt": "vectorbt_peer.py",
    "raptorbt": "raptorbt_peer.py",
    "backtesting.py": "backtesting_peer.py",
}
PACKAGES = {
    OURS: ["numba", "numpy", "ray"],
    "vectorbt": ["vectorbt", "vectorbt-rust", "numba"],
    "raptorbt": ["raptorbt"],
    "backtesting.py": ["backtesting", "pandas"],
}


class EngineError(Exception):
    """An engine could not be started, or could not do what it was asked."""


class Engine:
    """One engine's process; it stays warm between questions."""

    def __init__(
        self, name: str, folder: Path, core: int | None, caches: Path | None = None
    ) -> None:
        """Start an engine.

        Args:
            name: Of `SCRIPTS`.
            folder: Where it works.
            core: Processor that it is held to; None for all.
            caches: Empty folder for what it compiles; None for the usual ones.
        """
        self.name = name
        self.stderr_file = folder / f"{name}-{os.urandom(4).hex()}.txt"
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "RAY_DEDUP_LOGS": "0"}
        if caches is not None:
            environment |= {"FANFOLD_HOME": str(caches), "NUMBA_CACHE_DIR": str(caches)}
        with self.stderr_file.open("w") as stderr:
            self.process = subprocess.Popen(
                [_python_of(name), "-W", "ignore", str(HERE / SCRIPTS[name])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=folder,
                env=environment,
            )
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})

    def ask(self, work: str, **arguments: Any) -> Any:
        """Have one piece of work done.

        Raises:
            EngineError: The engine raised, or is gone.
        """
        self.send(work, **arguments)
        return self.receive()

    def send(self, work: str, **arguments: Any) -> None:
        """Ask, and do not wait for the answer."""
        try:
            self._input.write(json.dumps({"work": work, "arguments": arguments}) + "\n")
            self._input.flush()
        except BrokenPipeError as error:
            raise EngineError(self._last_words()) from error

    def receive(self) -> Any:
        """The answer to the oldest question."""
        line = self._output.readline()
        if not line:
            raise EngineError(self._last_words())
        found = json.loads(line)
        if "error" in found:
            raise EngineError(f"{self.name}: {found['error']}")
        return found["answer"]

    def close(self) -> None:
        """End the process."""
        self._input.close()
        self._output.close()
        self.process.wait()

    @property
    def _input(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def _output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def _last_words(self) -> str:
        said = self.stderr_file.read_text().strip().splitlines()
        return f"{self.name}: {said[-1] if said else 'it ended without a word'}"


def _python_of(name: str) -> str:
    if name == OURS:
        return sys.executable
    default = REPO / ".venv-peers" / "bin" / "python"
    python = Path(os.environ.get("FANFOLD_PEERS_PYTHON", default))
    if not python.exists():
        raise EngineError(f"{name}: there is no {python}; `make bench` makes it")
    return str(python)
