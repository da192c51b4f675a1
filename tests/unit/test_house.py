"""The rules of the house that no other tool checks."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
ROOMS = (".ci", "cluster", "configs", "infra", "jobs", "src", "tests")
LINES_MAX = 400
HEAVY = {"arch", "mlflow", "numba", "optuna", "pandas", "plotly", "pyarrow", "ray"}


def own_files() -> list[Path]:
    """All text of the project, without what tools put between it."""
    found = [path for path in REPO.iterdir() if path.is_file()]
    for room in ROOMS:
        found += [path for path in (REPO / room).rglob("*") if path.is_file()]
    made = {"__pycache__", "artifacts"}
    return [
        path
        for path in found
        if not made & set(path.parts) and path.suffix != ".pyc" and path.name != ".coverage"
    ]


def lines_that_match(pattern: str) -> Iterator[str]:
    """Each place in the project's text where the pattern stands, for people."""
    for path in own_files():
        text = path.read_text(encoding="utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(pattern, line):
                yield f"{path.relative_to(REPO)}:{number}: {line.strip()[:100]}"


@pytest.mark.parametrize("folder", ["src", "jobs"])
def test_no_module_is_past_its_size(folder: str) -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in (REPO / folder).rglob("*.py")}
    assert {path.name: size for path, size in sizes.items() if size > LINES_MAX} == {}


def test_no_file_names_a_package_registry() -> None:
    # Written in parts, so that this file does not find itself.
    hosts = ["py" + "pi[.]org", "pyt" + "honhosted", "np" + "mjs[.]", "ana" + "conda[.]org"]
    assert list(lines_that_match("|".join(hosts))) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    roots = ["home", "Users", "root", "work", "farm", "tmp/bash_jobs"]
    assert list(lines_that_match(rf"(^|[\s\"'=:(`])/({'|'.join(roots)})/")) == []


def test_no_import_hides_from_the_import_contracts() -> None:
    hidden = r"(import_module|__import__)\([\"'](mlflow|optuna|plotly|ray)\b"
    found = [line for line in lines_that_match(hidden) if line.startswith("src")]
    assert found == []


def test_importing_fanfold_loads_nothing_heavy() -> None:
    ask = "import sys, fanfold; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "fanfold" in loaded
    assert HEAVY & set(loaded) == set()


def test_every_public_name_of_fanfold_can_be_had() -> None:
    ask = "import fanfold; print(*(getattr(fanfold, name) is None for name in fanfold.__all__))"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert set(answer.stdout.split()) == {"False"}


def test_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?![a-z]+://|#)([^)#]+)")
    dead = [
        f"{page.name}: {target}"
        for page in REPO.glob("*.md")
        for target in link.findall(page.read_text())
        if not (REPO / target).exists()
    ]
    assert dead == []


def test_documents_name_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in REPO.glob("*.md")
        for target in re.findall(r"`make ([a-z-]+)", page.read_text())
    }
    assert named - targets == set()


@pytest.mark.parametrize("folder", ["infra", "."])
def test_locks_hold_hashes_and_no_address(folder: str) -> None:
    locks = list((REPO / folder).glob("*.lock"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") >= len(re.findall(r"^\S+==", text, re.MULTILINE))


def test_a_stale_lock_is_noticed(tmp_path: Path) -> None:
    """The check itself: a copy of the project whose lock lacks what it asks for."""
    for name in ("infra/hooks/locks.py", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((REPO / name).read_text())
    for name in ("bootstrap", "peers", "tools"):
        for suffix in ("in", "lock"):
            file = f"infra/{name}.{suffix}"
            (tmp_path / file).write_text((REPO / file).read_text())
    check = [sys.executable, str(tmp_path / "infra/hooks/locks.py")]
    fresh = subprocess.run(check, capture_output=True, text=True, check=False)
    assert fresh.stderr == ""
    asked = tmp_path / "pyproject.toml"
    asked.write_text(
        re.sub(r"ray\[default,serve\]==[\d.]+", "ray[default,serve]==9.9.9", asked.read_text())
    )
    answer = subprocess.run(check, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "must hold ray[default,serve]==9.9.9, was 2" in answer.stderr
