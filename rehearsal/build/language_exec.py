"""The half of Pulumi's Python language host that runs the program: a script in the SDK's own Go module.

The other half, `pulumi-language-python`, is in a module that the Go module proxy does not serve
(rehearsal/language_host.py).
"""

import shutil
from pathlib import Path

from rehearsal.build.modules import TOOLS, module_folder, module_version
from rehearsal.build.steps import Run, Step
from rehearsal.build.store import Store, key_of

NAME = "pulumi-language-python-exec"
_MODULE = "github.com/pulumi/pulumi/sdk/v3"


def exec_step(store: Store) -> Step:
    """Copy the script."""
    version = module_version(TOOLS / "pulumi" / "go.mod", _MODULE)

    def build(folder: Path, _: Run) -> None:
        shutil.copyfile(
            module_folder(TOOLS / "pulumi", f"{_MODULE}@v{version}") / "python/cmd" / NAME, folder / NAME
        )
        (folder / NAME).chmod(0o755)

    return Step(name="language host", entry=store.entry("language-exec", key_of(version)), build=build)
