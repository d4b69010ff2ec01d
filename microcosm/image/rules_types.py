"""Rules on the types that programs and libraries use: what a container does not have, or has otherwise."""

from collections.abc import Iterator

from .findings import Finding, refused, told, warned
from .subject import Subject

# Types (or namespaces, with a dot at the end): level, name, what, fix.
_TYPES = (
    (
        refused,
        "msmq",
        ("System.Messaging.",),
        "it uses MSMQ, which containers do not have",
        "use a queue of another kind",
    ),
    (
        refused,
        "office",
        ("Microsoft.Office.Interop.",),
        "it drives Office, which is not in the image and not made for servers",
        "use a library that writes the files",
    ),
    (
        warned,
        "transactions",
        ("System.Transactions.TransactionScope",),
        "a transaction over two databases needs MSDTC, which fails in containers",
        "keep to one connection in a scope",
    ),
    (
        warned,
        "printing",
        ("System.Drawing.Printing.", "System.Printing."),
        "it prints, and the container has no print spooler",
        "hand printing to another machine",
    ),
    (
        warned,
        "windows-forms",
        ("System.Windows.Forms.",),
        "it uses Windows Forms, and the container has no desktop",
        "keep windows out of the service",
    ),
    (
        warned,
        "performance-counter",
        ("System.Diagnostics.PerformanceCounter",),
        "its performance counters are not registered",
        "make them at start, or leave them out",
    ),
    (
        warned,
        "fonts",
        ("System.Drawing.Graphics", "System.Drawing.Font"),
        "it draws, and Server Core has few fonts",
        "give --fonts FOLDER, or load them by file",
    ),
    (
        warned,
        "certificate",
        ("System.Security.Cryptography.X509Certificates.X509Store",),
        "it looks into the certificate stores, which are empty",
        "mount a .pfx below C:\\microcosm\\certificates",
    ),
    (
        told,
        "event-log",
        ("System.Diagnostics.EventLog",),
        "it writes to the event log; its source must be made: give --event-source NAME",
        "",
    ),
    (
        told,
        "registry",
        ("Microsoft.Win32.Registry", "Microsoft.Win32.RegistryKey"),
        "it reads or writes the registry, which starts as the base's in each container",
        "",
    ),
)


def third_party(name: str) -> bool:
    return name.lower().startswith(("newtonsoft.", "log4net", "nlog", "microsoft.", "system.", "antlr", "castle.", "iesi.", "nhibernate"))


def check(subject: Subject) -> Iterator[Finding]:
    for make, name, types, what, fix in _TYPES:
        users = [one.path for one in subject.own if one.uses(*types) and not third_party(one.name)]
        if users:
            yield make(name, users[0], what, fix)
    times = [one.path for one in subject.own if "get_Now" in one.names and one.uses("System.DateTime") and not third_party(one.name)]
    if times:
        yield told(
            "time-zone",
            times[0],
            "it asks for the local time: the container's is UTC; give --time-zone, or TZ_WINDOWS at start",
        )
