"""Options that `microcosm image check` and `build` share: what the source is, and how it is judged."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .kinds import Kind

if TYPE_CHECKING:
    from .actions import Asked


def option(name: str, metavar: str | None, help_text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help_text)


def many(name: str, metavar: str, help_text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=f"{help_text}; may be given again.")


def _asked(
    what: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A published folder, a .zip of it, a msdeploy package or an .msi.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        Kind | None, option("--kind", None, "What the service is, if it is recognised wrongly.")
    ] = None,
    program: Annotated[
        str | None, option("--program", "FILE", "The program to start, where there are several.")
    ] = None,
    base: Annotated[
        str | None, option("--base", "REF", "The base image; by default Microsoft's for the kind.")
    ] = None,
    base_has: Annotated[list[str] | None, many("--base-has", "NAME", "A feature of an own base")] = None,
    ignore: Annotated[list[str] | None, many("--ignore", "NAME", "Do not refuse for this finding")] = None,
    expect: Annotated[
        list[str] | None,
        many("--expect", "VARIABLE", "The container gets this variable, such as CONNSTR_Main"),
    ] = None,
    parameters: Annotated[
        Path | None, option("--parameters", "FILE", "SetParameters.xml of a msdeploy package.")
    ] = None,
    properties: Annotated[list[str] | None, many("--property", "NAME=VALUE", "A property of the MSI")] = None,
    replace: Annotated[
        list[str] | None, many("--replace", "PATH=FILE", "Another file in the place of one of the service")
    ] = None,
    settings: Annotated[
        list[str] | None,
        many("--set", "SECTION@ATTRIBUTE=VALUE", "An attribute of web.config, written at start"),
    ] = None,
    writable: Annotated[
        list[str] | None,
        many("--writable", "FOLDER", "A folder that the service writes to, below its own"),
    ] = None,
    x86: Annotated[bool, option("--x86", None, "Run in a 32-bit process.")] = False,
    classic: Annotated[bool, option("--classic", None, "Run the pool in classic mode.")] = False,
    tls: Annotated[bool, option("--tls", None, "The container itself ends TLS.")] = False,
    metadata_from_host: Annotated[
        bool, option("--metadata-from-host", None, "The WSDL names the address that the client called.")
    ] = False,
) -> "Asked":
    """Take the options that say what the source is and how it is judged."""
    # The readers of sources take longer to import than the other commands take to run.
    from . import actions

    return actions.Asked(
        source=what,
        kind=kind,
        program=program,
        base=base,
        base_has=base_has,
        ignore=ignore or [],
        expect=expect or [],
        parameters=parameters,
        properties=properties or [],
        replace=replace or [],
        settings=settings or [],
        writable=writable or [],
        x86=x86,
        classic=classic,
        tls=tls,
        metadata_from_host=metadata_from_host,
    )


def asks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument and options of `_asked`, and pass their result as its `asked`."""
    shared = signature(_asked).parameters
    own = {name: one for name, one in signature(command).parameters.items() if name != "asked"}

    @wraps(command)
    def run(**given: Any) -> None:
        asked = _asked(**{name: given.pop(name) for name in shared})
        command(asked=asked, **given)

    everything = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in {**shared, **own}.values()]
    run.__dict__["__signature__"] = Signature(everything)
    run.__annotations__ = {one.name: one.annotation for one in everything}
    return run
