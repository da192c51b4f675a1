"""Watch this machine's deployments with Debian's Prometheus: `make watch`.

It writes a folder of its own under fanfold's home: the configuration beside this file, the
addresses of all deployments that run, and a token of role "view" for each. Deployments that
are brought up later are found when it is started again.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from fanfold.distributed.live_head import cluster_of, metrics_address
from fanfold.domain.place import home
from fanfold.live.folder import PRIVATE, Folder, write_durably
from fanfold.serving.access import FILE, TOKEN_VARIABLE, add_token, rotate_token, tokens_in
from fanfold.serving.noted import noted_page, trouble_of
from fanfold.workflows.live.deployments import deployments

HERE = Path(__file__).parent
CONFIG = "prometheus.yml"
RULES = ("recording.rules.yml", "alerts.rules.yml")
TOKEN = "prometheus"  # noqa: S105  (its name)
"""Name of the token in the audit log of a page."""

RETENTION = "60d"


def main(words: list[str]) -> int:
    """Write the folder and become Prometheus."""
    asked = _asked(words)
    place = Path(asked.folder) if asked.folder else home() / "prometheus"
    found = write(place)
    print(f"watching {', '.join(found) or 'nothing: no deployment shows its page'}")  # noqa: T201
    if asked.write:
        return 0
    program = shutil.which("prometheus")
    if program is None:
        sys.stderr.write("fanfold: needs Prometheus: infra/system.sh prometheus\n")
        return 2
    print(f"open http://127.0.0.1:{asked.port} (Ctrl-C ends it)", flush=True)  # noqa: T201
    return os.execv(program, command(place, asked.port))  # noqa: S606  (the system's program)


def command(place: Path, port: int) -> list[str]:
    """Prometheus over a folder that was written, on this machine only."""
    return [
        "prometheus",
        f"--config.file={place / CONFIG}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--storage.tsdb.retention.time={RETENTION}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


def write(place: Path) -> list[str]:
    """Write configuration, addresses and tokens; the deployments that will be watched."""
    targets = place / "targets"
    targets.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    for rules in RULES:
        shutil.copy(HERE / rules, place)
    config = yaml.safe_load((HERE / CONFIG).read_text(encoding="utf-8"))
    page_job = config["scrape_configs"].pop()
    nodes: list[str] = []
    found: list[str] = []
    for folder in deployments():
        page = noted_page(folder)
        if page is None or not page.pid or trouble_of(page):
            continue
        found.append(folder.name)
        where = page.url.partition("://")[2].rstrip("/")
        _write_json(targets / f"page-{folder.name}.json", [{"targets": [where]}])
        write_durably(targets / f"{folder.name}.token", _token(folder).encode())
        config["scrape_configs"].append(_job_of(page_job, folder.name))
        cluster = cluster_of(folder)
        address = None if cluster is None else metrics_address(cluster)
        if address is not None and page.application:
            nodes.append(address)
    _write_json(targets / "ray.json", [{"targets": sorted(set(nodes))}])
    text = yaml.safe_dump(config, sort_keys=False)
    write_durably(place / CONFIG, text.encode())
    return found


def _job_of(job: dict[str, Any], deployment: str) -> dict[str, Any]:
    """The job of one page: each has a token of its own."""
    return job | {
        "job_name": f"page {deployment}",
        "authorization": {"credentials_file": f"targets/{deployment}.token"},
        "file_sd_configs": [{"files": [f"targets/page-{deployment}.json"]}],
        "relabel_configs": [{"target_label": "job", "replacement": "page"}],
    }


def _token(folder: Folder) -> str:
    """A token that may look, in place of the one of the last time."""
    given = os.environ.get(TOKEN_VARIABLE, "")
    if given:
        return given
    file = folder.path / FILE
    if any(one.name == TOKEN for one in tokens_in(file)):
        return rotate_token(file, TOKEN)
    return add_token(file, TOKEN, "view")


def _write_json(file: Path, content: Any) -> None:
    write_durably(file, json.dumps(content).encode())


def _asked(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Watch this machine's deployments.")
    parser.add_argument("--port", type=int, default=9090, help="where Prometheus answers")
    parser.add_argument("--folder", default="", help="in place of one under fanfold's home")
    parser.add_argument("--write", action="store_true", help="write the folder, start nothing")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
