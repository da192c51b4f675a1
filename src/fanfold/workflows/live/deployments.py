"""Which deployments there are, and which one a command means."""

from pathlib import Path

from fanfold.domain.names import nearest_hint
from fanfold.domain.place import home
from fanfold.errors import ConfigError
from fanfold.live.folder import Folder


def deployments(root: Path | None = None) -> list[Folder]:
    """All that have a plan, by name."""
    place = root or home() / "live"
    return [Folder(plan.parent) for plan in sorted(place.glob("*/plan.json"))]


def deployment_named(name: str | None, root: Path | None = None) -> Folder:
    """The deployment of a name; without one, the only one there is.

    Raises:
        ConfigError: There is none, or there are several and none is named.
    """
    known = {folder.name: folder for folder in deployments(root)}
    if name is not None:
        if name in known:
            return known[name]
        hint = nearest_hint(name, list(known))
        raise ConfigError(f"deployment must be one that was brought up, was {name!r}{hint}")
    if len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise ConfigError("a deployment must be brought up first: fanfold live up CONFIG")
    raise ConfigError(f"--deployment must say which is meant, there are {', '.join(known)}")
