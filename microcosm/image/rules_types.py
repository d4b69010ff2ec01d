"""Rules on the types that programs and libraries use: what a container does not have, or has otherwise."""

import re
from collections.abc import Iterator

from .assemblies import Assembly
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


# Libraries that many services ship with. They can do more than the service asks of them: what they use says
# nothing about the service. Those that draw or print are not here.
_LIBRARIES = (
    *("microsoft.", "system.", "newtonsoft.", "log4net", "nlog", "serilog", "elmah", "common.logging"),
    *("antlr", "castle.", "iesi.", "nhibernate", "fluentnhibernate", "entityframework", "dapper", "linq2db"),
    *(
        "mysql.data",
        "mysqlconnector",
        "npgsql",
        "oracle.managed",
        "mongodb.",
        "stackexchange.",
        "servicestack",
    ),
    *("autofac", "unity.", "ninject", "structuremap", "simpleinjector", "automapper", "fluentvalidation"),
    *("owin", "dotnetopenauth", "webgrease", "bouncycastle", "icsharpcode.", "ionic.", "dotnetzip", "aws"),
    *("rabbitmq.", "masstransit", "nservicebus", "hangfire", "quartz", "restsharp", "polly", "protobuf-net"),
    *("azure.", "nunit", "xunit", "moq", "swashbuckle", "topshelf", "csvhelper", "humanizer", "nancy"),
)


def third_party(name: str) -> bool:
    return name.lower().startswith(_LIBRARIES)


# Programs of Office by the names under which COM knows them.
_OFFICE = re.compile(r"(?:Excel|Word|PowerPoint|Outlook|Access|Publisher|Visio)\.Application(?:\.\d+)?")
_LATE = {"GetTypeFromProgID", "GetTypeFromCLSID", "GetActiveObject"}


def drives_office(one: Assembly) -> bool:
    """Whether it drives Office without a reference to its types: they are embedded, or asked for by name."""
    embedded = any(name.startswith("Microsoft.Office.Interop.") for name in one.names)
    return embedded or (bool(_LATE & one.names) and any(_OFFICE.fullmatch(text) for text in one.strings))


def check(subject: Subject) -> Iterator[Finding]:
    for make, name, types, what, fix in _TYPES:
        users = [one.path for one in subject.own if _uses(one, name, types) and not third_party(one.name)]
        if users:
            yield make(name, users[0], what, fix)
    late = [
        one.path
        for one in subject.own
        if _LATE & one.names and not drives_office(one) and not third_party(one.name)
    ]
    if late:
        what = "it makes COM objects by their names, which must be registered on the machine"
        yield warned(
            "com",
            late[0],
            what,
            "see that Windows itself brings them, or use an own base that registers them",
        )
    times = [
        one.path
        for one in subject.own
        if "get_Now" in one.names and one.uses("System.DateTime") and not third_party(one.name)
    ]
    if times:
        yield told(
            "time-zone",
            times[0],
            "it asks for the local time: the container's is UTC; give --time-zone, or TZ_WINDOWS at start",
        )


def _uses(one: Assembly, name: str, types: tuple[str, ...]) -> bool:
    return one.uses(*types) or (name == "office" and drives_office(one))
