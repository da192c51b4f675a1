"""Tokens of a deployment's page, as commands ask for them."""

from typing import Any, cast

from fanfold.domain.period import ts_text
from fanfold.live.folder import Folder
from fanfold.serving.access import (
    FILE,
    Role,
    add_token,
    revoke_token,
    rotate_token,
    tokens_in,
)
from fanfold.workflows.live.deployments import deployment_named


def listed(deployment: str | None) -> dict[str, Any]:
    """Names, roles and ages of all tokens.

    Raises:
        InputError: There is no such deployment, or its file cannot be read.
    """
    folder = deployment_named(deployment)
    return {
        "status": "ok",
        "deployment": folder.name,
        "tokens": [
            {
                "name": one.name,
                "role": one.role,
                "made_at": one.made_at,
                "made": ts_text(one.made_at),
            }
            for one in tokens_in(folder.path / FILE)
        ],
    }


def added(deployment: str | None, name: str, role: str) -> dict[str, str]:
    """A new token, shown this once.

    Raises:
        InputError: There is no such deployment, or the name is none or taken.
    """
    folder = deployment_named(deployment)
    token = add_token(folder.path / FILE, name, cast("Role", role))
    return _shown(folder, name, token, "added")


def rotated(deployment: str | None, name: str) -> dict[str, str]:
    """A new token in place of another, shown this once.

    Raises:
        InputError: There is no such deployment, or no such token.
    """
    folder = deployment_named(deployment)
    return _shown(folder, name, rotate_token(folder.path / FILE, name), "rotated")


def revoked(deployment: str | None, name: str) -> dict[str, str]:
    """Refuse a token from now on.

    Raises:
        InputError: There is no such deployment, or no such token.
    """
    folder = deployment_named(deployment)
    revoke_token(folder.path / FILE, name)
    return {"status": "revoked", "deployment": folder.name, "name": name}


def _shown(folder: Folder, name: str, token: str, status: str) -> dict[str, str]:
    role = next(one.role for one in tokens_in(folder.path / FILE) if one.name == name)
    return {
        "status": status, "deployment": folder.name, "name": name, "role": role, "token": token,
    }  # fmt: skip
