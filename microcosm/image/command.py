"""`microcosm image build`, `check` and `manifest`: options, action and output."""

from pathlib import Path
from typing import Annotated, Any

import typer

from infra.config.operating_systems import WINDOWS_RELEASES

from ..options import Json
from .source_options import asks, many, option

app = typer.Typer(
    no_args_is_help=True,
    help="Make a Windows image of your own .NET service, on Linux: from its folder, a zip or an MSI.",
)
DEFAULT_RELEASE = next(iter(WINDOWS_RELEASES))


def release(text: str) -> str:
    """Return the release; BadParameter names those that there are."""
    if text not in WINDOWS_RELEASES:
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(WINDOWS_RELEASES)}")
    return text


def windows_option(help_text: str) -> Any:
    return typer.Option("--windows", parser=release, metavar="|".join(WINDOWS_RELEASES), help=help_text)


@app.command("check")
@asks
def check(
    asked: Any,
    windows: Annotated[str, windows_option("The Windows Server of the nodes.")] = DEFAULT_RELEASE,
    json: Json = False,
) -> None:
    """Say what a service is and what it needs in a Windows container, without building anything.

    Exit code 1 when something is refused. No value of a setting is ever printed.

    Example: `microcosm image check ./published --windows 2022`
    """
    from . import actions

    raise typer.Exit(int(actions.check(asked, windows, json)))


@app.command("build")
@asks
def build(
    asked: Any,
    to: Annotated[
        str,
        typer.Option("--to", metavar="REF", help="The image: REGISTRY/NAME:TAG.", show_default=False),
    ],
    windows: Annotated[
        list[str] | None,
        windows_option(f"The Windows Server; several make one index. Default {DEFAULT_RELEASE}."),
    ] = None,
    push: Annotated[
        bool,
        option("--push", None, "Push to the registry; otherwise an OCI layout is written."),
    ] = False,
    output: Annotated[
        Path | None, option("--output", "FOLDER", "The OCI layout; by default NAME.oci.")
    ] = None,
    applications: Annotated[list[str] | None, many("--app", "/PATH=FOLDER", "A further application")] = None,
    variables: Annotated[
        list[str] | None, many("--env", "NAME=VALUE", "A variable of the image, no secret")
    ] = None,
    arguments: Annotated[list[str] | None, many("--arg", "WORD", "A word for the program")] = None,
    ports: Annotated[
        list[int] | None,
        typer.Option("--port", min=1, max=65535, help="A port of the service; may be given again."),
    ] = None,
    health: Annotated[
        str | None, option("--health", "PATH", "What the probes ask for; it must be anonymous.")
    ] = None,
    event_sources: Annotated[
        list[str] | None, many("--event-source", "NAME", "A source of the event log to make")
    ] = None,
    service_name: Annotated[
        str | None, option("--service-name", "NAME", "The name of the Windows service.")
    ] = None,
    fonts: Annotated[Path | None, option("--fonts", "FOLDER", "Fonts (.ttf, .ttc, .otf) to install.")] = None,
    time_zone: Annotated[
        str | None, option("--time-zone", "NAME", "The time zone, as `tzutil /l` names it.")
    ] = None,
    culture: Annotated[
        str | None, option("--culture", "NAME", "culture and uiCulture, such as de-DE.")
    ] = None,
    logmonitor: Annotated[
        Path | None, option("--logmonitor", "FILE", "LogMonitor.exe, which brings logs to stdout.")
    ] = None,
    logmonitor_sha256: Annotated[
        str | None, option("--logmonitor-sha256", "SUM", "Its published sum.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a Windows image of a service, and push it or write it to disk.

    Nothing is made when something is refused. The same source gives the same digest. Layers of the base are
    mounted or left where they are.

    Example: `microcosm image build ./published --to registry.example/shop:1 --windows 2022 --push`
    """
    from . import actions
    from .build import Order
    from .start import Options

    more = {path: Path(folder) for path, folder in actions.pairs(applications or [], "--app").items()}
    options = Options(
        applications=more,
        event_sources=event_sources or [],
        service_name=service_name,
        arguments=arguments or [],
        fonts=fonts,
        logmonitor=logmonitor,
        logmonitor_sha256=logmonitor_sha256,
    )
    order = Order(
        to=to,
        push=push,
        output=output,
        variables=actions.pairs(variables or [], "--env"),
        time_zone=time_zone,
        culture=culture,
        ports=ports or [],
        health=health,
        starting=options,
    )
    releases = list(dict.fromkeys(windows or [DEFAULT_RELEASE]))
    raise typer.Exit(int(not actions.make(asked, releases, order, json)))


@app.command("manifest")
def manifest(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF", help="An image of `microcosm image build`, or oci:FOLDER.", show_default=False
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The name of the objects; by default the image's."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Their namespace.")
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option("--replicas", min=0, help="By default 2, or 1 where state is kept in the process."),
    ] = None,
) -> None:
    """Print a Deployment, a Service and a Secret to fill in, such that `microcosm lint` has nothing to say.

    Example: `microcosm image manifest registry.example/shop:1 > shop.yaml`
    """
    from . import actions

    actions.manifests(reference, name, namespace, replicas)
