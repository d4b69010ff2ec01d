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


@app.command("build")
def build(
    what: Annotated[str, SOURCE],
    to: Annotated[str, typer.Option("--to", metavar="REF", help="The image: REGISTRY/NAME:TAG.", show_default=False)],
    windows: Annotated[list[Windows] | None, typer.Option("--windows", help="The Windows Server; several make one index. Default 2019.")] = None,
    push: Annotated[bool, typer.Option("--push", help="Push to the registry; otherwise an OCI layout is written.")] = False,
    output: Annotated[Path | None, typer.Option("--output", metavar="FOLDER", help="The OCI layout; by default NAME.oci.")] = None,
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
    applications: Annotated[
        list[str] | None, typer.Option("--app", metavar="/PATH=FOLDER", help="A further application; may be given again.")
    ] = None,
    variables: Annotated[list[str] | None, typer.Option("--env", metavar="NAME=VALUE", help="A variable of the image; no secrets.")] = None,
    arguments: Annotated[list[str] | None, typer.Option("--arg", metavar="WORD", help="A word for the program; may be given again.")] = None,
    ports: Annotated[list[int] | None, typer.Option("--port", min=1, max=65535, help="A port of the service; may be given again.")] = None,
    health: Annotated[str | None, typer.Option("--health", metavar="PATH", help="What the probes ask for; it must be anonymous.")] = None,
    event_sources: Annotated[list[str] | None, typer.Option("--event-source", metavar="NAME", help="A source of the event log to make.")] = None,
    service_name: Annotated[str | None, typer.Option("--service-name", metavar="NAME", help="The name of the Windows service.")] = None,
    logmonitor: Annotated[Path | None, typer.Option("--logmonitor", metavar="FILE", help="LogMonitor.exe, which brings logs to stdout.")] = None,
    logmonitor_sha256: Annotated[str | None, typer.Option("--logmonitor-sha256", metavar="SUM", help="Its published sum.")] = None,
    json: Json = False,
) -> None:
    """Make a Windows image of a service, and push it or write it to disk. Nothing is made when something is refused.

    The same source gives the same digest. Layers of the base are mounted or left where they are.

    Example: `microcosm image build ./published --to registry.example/shop:1 --windows 2022 --push`
    """
    from . import actions
    from .build import Order
    from .start import Options

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
    more = {path: Path(folder) for path, folder in actions.pairs(applications or [], "--app").items()}
    options = Options(
        applications=more,
        event_sources=event_sources or [],
        service_name=service_name,
        arguments=arguments or [],
        logmonitor=logmonitor,
        logmonitor_sha256=logmonitor_sha256,
    )
    given = actions.pairs(variables or [], "--env")
    order = Order(to=to, push=push, output=output, variables=given, ports=ports or [], health=health, starting=options)
    releases = list(dict.fromkeys(one.value for one in windows or [Windows.WS2019]))
    raise typer.Exit(int(not actions.make(asked, releases, order, json)))


@app.command("manifest")
def manifest(
    reference: Annotated[str, typer.Argument(metavar="REF", help="An image of `microcosm image build`, or oci:FOLDER.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The name of the objects; by default the image's.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Their namespace.")] = None,
    replicas: Annotated[int | None, typer.Option("--replicas", min=0, help="By default 2, or 1 where state is kept in the process.")] = None,
) -> None:
    """Print a Deployment, a Service and a Secret to fill in, such that `microcosm lint` has nothing to say.

    Example: `microcosm image manifest registry.example/shop:1 > shop.yaml`
    """
    from . import actions

    actions.manifests(reference, name, namespace, replicas)
