"""The kinds of services.

In a module of its own: the command line needs it, and nothing else of this package, to print its help.
"""

from enum import StrEnum


class Kind(StrEnum):
    """A site of IIS, a site with WCF services, or a program: one that listens, a Windows service, or
    neither.
    """

    IIS = "iis"
    WCF = "wcf"
    SELF_HOST = "self-host"
    SERVICE = "service"
    CONSOLE = "console"

    @property
    def is_site(self) -> bool:
        return self in (Kind.IIS, Kind.WCF)

    @property
    def family(self) -> str:
        return {Kind.IIS: "aspnet", Kind.WCF: "wcf"}.get(self, "runtime")
