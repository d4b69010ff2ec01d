"""`microcosm kubeconfig`: write a separate file, merge into the user's kubeconfig, or remove from it."""

from pathlib import Path
from typing import Any

from ..aws.session import Session
from ..output import note, print_line
from ..pulumi_cli.target import Target
from . import document as kubeconfig
from . import file as kubeconfig_file
from .document import CURRENT

STANDARD_OUTPUT = Path("-")


def write(session: Session, target: Target, output: Path | None) -> dict[str, Any]:
    """Write the cluster's kubeconfig to a file that only its owner can read, or print it."""
    config = kubeconfig.fetch(session, target)
    path = output or kubeconfig_file.own_file(target.stack)
    if path == STANDARD_OUTPUT:
        print_line(kubeconfig_file.dump(config))
    else:
        kubeconfig_file.write(path, config)
        note(f"wrote {path} (mode 0600); next: export KUBECONFIG={path}")
    return {"path": str(path), "context": config[CURRENT], "currentContext": config[CURRENT]}


def merge(session: Session, target: Target, output: Path | None, use: bool) -> dict[str, Any]:
    """Merge the cluster into the user's kubeconfig."""
    ours = kubeconfig.fetch(session, target)
    path = output or kubeconfig_file.users_file()
    _, after = kubeconfig_file.edit(path, lambda config: kubeconfig.merge(config, ours, use))
    name, current = ours[CURRENT], after.get(CURRENT)
    switch = f"the current context stays {current}; to switch: kubectl config use-context {name}"
    note(f"merged context {name} into {path}; {'now the current context' if current == name else switch}")
    return {"path": str(path), "context": name, "currentContext": current}


def remove(target: Target, output: Path | None, quiet: bool = False) -> dict[str, Any]:
    """Remove the cluster from the user's kubeconfig.

    Needs neither AWS nor the cluster. `quiet` logs only a removal.
    """
    path, name = output or kubeconfig_file.users_file(), kubeconfig.entry_name(target.stack)
    if not path.exists():
        if not quiet:
            note(f"{path} does not exist: nothing to remove")
        return {"path": str(path), "context": name, "removed": False, "currentContext": None}
    before, after = kubeconfig_file.edit(path, lambda config: kubeconfig.remove(config, name))
    removed, current = kubeconfig.contains(before, name), after.get(CURRENT)
    lost = (
        "; no context is current now, choose one with: kubectl config use-context NAME"
        if before.get(CURRENT) == name
        else ""
    )
    if removed or not quiet:
        note(
            f"removed context {name} from {path}{lost}"
            if removed
            else f"{path} has no context {name}: nothing to remove"
        )
    return {"path": str(path), "context": name, "removed": removed, "currentContext": current}
