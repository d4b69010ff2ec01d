"""`microcosm image build`, `check` and `manifest`: options, action and output. The parts are in the other modules."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..options import Json
from .kinds import Kind

app = typer.Typer(
    no_args_is_help=True,
    help="Make a Windows image of your own .NET service, on Linux: from its folder, a zip or an MSI.",
)


class Windows(StrEnum):
    """The Windows Server of the nodes."""

    WS2019 = "2019"
    WS2022 = "2022"
    WS2025 = "2025"


SOURCE = typer.Argument(
    metavar="SOURCE",
    help="A published folder, a .zip of it, a msdeploy package or an .msi.",
    show_default=False,
)
OneWindows = Annotated[Windows, typer.Option("--windows", help="The Windows Server of the nodes.")]
KindOption = Annotated[Kind | None, typer.Option("--kind", help="What the service is, if it is recognised wrongly.")]
Program = Annotated[
    str | None,
    typer.Option("--program", metavar="FILE", help="The program to start, where there are several."),
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="REF", help="The base image; by default Microsoft's for the kind."),
]
BaseHas = Annotated[
    list[str] | None,
    typer.Option("--base-has", metavar="NAME", help="A feature of an own base; may be given again."),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="NAME", help="Do not refuse for this finding; may be given again."),
]
Expect = Annotated[
    list[str] | None,
    typer.Option(
        "--expect",
        metavar="VARIABLE",
        help="The container gets this variable, such as CONNSTR_Main; may be given again.",
    ),
]
Parameters = Annotated[Path | None, typer.Option("--parameters", metavar="FILE", help="SetParameters.xml of a msdeploy package.")]
Property = Annotated[
    list[str] | None,
    typer.Option("--property", metavar="NAME=VALUE", help="A property of the MSI; may be given again."),
]
Writable = Annotated[
    list[str] | None,
    typer.Option(
        "--writable",
        metavar="FOLDER",
        help="A folder that the service writes to, below its own; may be given again.",
    ),
]
Classic = Annotated[bool, typer.Option("--classic", help="Run the pool in classic mode.")]
Tls = Annotated[bool, typer.Option("--tls", help="The container itself ends TLS.")]
FromHost = Annotated[bool, typer.Option("--metadata-from-host", help="The WSDL names the address that the client called.")]


@app.command("check")
def check(
    what: Annotated[str, SOURCE],
    windows: OneWindows = Windows.WS2019,
    kind: KindOption = None,
    program: Program = None,
    base: Base = None,
    base_has: BaseHas = None,
    ignore: Ignore = None,
    expect: Expect = None,
    parameters: Parameters = None,
    properties: Property = None,
    writable: Writable = None,
    classic: Classic = False,
    tls: Tls = False,
    metadata_from_host: FromHost = False,
    json: Json = False,
) -> None:
    """Say what a service is and what it needs in a Windows container, without building anything.

    Exit code 1 when something is refused. No value of a setting is ever printed.

    Example: `microcosm image check ./published --windows 2022`
    """
    # What reads the sources takes longer to import than the other commands take to run.
    from . import actions

    asked = actions.Asked(
        source=what,
        kind=kind,
        program=program,
        base=base,
        base_has=base_has,
        ignore=ignore or [],
        expect=expect or [],
        parameters=parameters,
        properties=properties or [],
        writable=writable or [],
        classic=classic,
        tls=tls,
        metadata_from_host=metadata_from_host,
    )
    raise typer.Exit(int(actions.check(asked, windows.value, json)))
