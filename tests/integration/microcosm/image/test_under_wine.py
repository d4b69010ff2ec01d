"""A layer through Microsoft's own reader, and an MSI through Wine's msiexec.

It is Wine, not Windows. Served: seconds each.
"""

import json
import subprocess

import pytest

from microcosm.image import layer, msi_registry
from microcosm.image.source import read
from tests.support import built_tools
from tests.support.services import files_of
from tests.unit.microcosm.image.test_layer import SITE, WRITABLE
from tests.windows import pester

from .start_machine import STOPPED, Machine
from .test_msi_files import MISSING, make

PREFIX = built_tools.wine_prefix()
READER = built_tools.program("backuptar-windows", "backuptar.exe")
NO_WINE = "no Wine prefix is built; `make rehearse` builds it"
pytestmark = pytest.mark.skipif(PREFIX is None, reason=NO_WINE)
TIME = 1_600_000_000
# Owner Administrators, group SYSTEM; full control for both, read and execute for Users.
FILE = "O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)"
MODIFY = "(A;;0x1301bf;;;S-1-5-32-568)"


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    """A copy of the prefix, and a function that runs a program in it without a network."""
    from rehearsal.build import wine_prefix

    prefix = tmp_path_factory.mktemp("wine") / "prefix"
    wine_prefix.copy(PREFIX, prefix)
    environment = wine_prefix.environment(prefix)

    def run(*words: str, data: bytes = b"") -> str:
        command = ["unshare", "--net", "wine", *words]
        done = subprocess.run(
            command, env=environment, cwd=prefix / "drive_c", input=data, capture_output=True, timeout=120
        )
        assert done.returncode == 0, (words, done.stdout[-1000:], done.stderr[-1000:])
        return done.stdout.decode("utf-8", "replace")

    run.drive = prefix / "drive_c"
    yield run
    subprocess.run(["wineserver", "--kill"], env=environment, check=False)


@pytest.mark.skipif(
    READER is None, reason="no backuptar.exe is built; `make rehearse SCENARIO=own-image` builds it"
)
def test_microsofts_own_reader_sees_what_was_written(wine):
    made = layer.write(files_of(SITE), WRITABLE, {}, TIME)
    (wine.drive / "backuptar.exe").write_bytes(READER.read_bytes())
    # A folder's name ends with a slash in the tar.
    entries = map(json.loads, wine("C:\\backuptar.exe", data=made.data).splitlines())
    found = {one["name"].rstrip("/"): one for one in entries}
    assert len(found) == 10
    for name, one in found.items():
        is_file = name.rpartition("/")[2].count(".") == 1
        assert one["attributes"] == (32 if is_file else 16), name
        assert one["created"] == TIME
        assert bool(one["sddl"]) is (name not in ("Files", "Hives")), name
    config, data = found["Files/inetpub/wwwroot/web.config"], found["Files/inetpub/wwwroot/App_Data/ä.txt"]
    assert (config["sddl"], config["size"], config["data"]) == (FILE, 16, 16)
    assert data["sddl"].replace("IS", "S-1-5-32-568") == f"{FILE}{MODIFY}"


@pytest.mark.skipif(
    bool(MISSING), reason=f"Debian's wixl and msitools are needed: {', '.join(MISSING)} not found"
)
@pytest.mark.parametrize("platform", ["x64", "x86"])
def test_an_msi_gives_the_files_and_values_that_msiexec_installs(platform, wine, tmp_path):
    msi = make(tmp_path, platform)
    (wine.drive / f"{platform}.msi").write_bytes(msi.read_bytes())
    before = files_below(wine.drive)
    wine("msiexec", "/i", f"C:\\{platform}.msi", "/qn")
    source = read(msi)
    installed = {
        path: data
        for path, data in files_below(wine.drive).items()
        if path not in before and not path.startswith("windows/")
    }
    assert installed == {path: source.tree.read(path) for path in source.tree}
    for value in msi_registry.values(source.msi):
        assert value["data"] in wine("reg", "query", value["key"], "/v", value["name"]), value


def files_below(drive) -> dict[str, bytes]:
    found = [path for path in drive.rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        path.relative_to(drive).as_posix(): path.read_bytes()
        for path in found
        if "windows/" not in f"{path.relative_to(drive)}/"[:8]
    }


@pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)
def test_wines_registry_and_service_manager_take_the_calls_of_the_start_script(wine, tmp_path):
    """The script's calls for a service with values of every kind, played again with Wine's own programs."""
    machine = Machine(tmp_path)
    keep = f'for word in "$(basename "$0")" "$@"; do printf "%s\\0" "$word"; done >> {tmp_path}/words\n'
    for name in ("reg.exe", "sc.exe"):
        machine.program(f"windows/System32/{name}", keep + STOPPED.format(win32=0, own=0))
    machine.file("app/shop.exe", "MZ")
    services = [{"name": "shop", "title": "Shop 24", "command": '"C:\\my app\\shop.exe" /run'}]
    values = [
        {"key": "HKLM\\Software\\Firm", "name": name, "type": kind, "data": data}
        for name, kind, data in (
            ("Text", "REG_SZ", 'C:\\My "Shop"\\'),
            ("Number", "REG_DWORD", "80"),
            ("List", "REG_MULTI_SZ", "a\\0b"),
            ("Place", "REG_EXPAND_SZ", "%TEMP%\\a"),
            ("Bytes", "REG_BINARY", "00ff"),
        )
    ]
    variables = {"APPSETTING_A": 'x "y"\\', "CONNSTR_B": "Server=db;%TEMP%"}
    machine.start(
        variables,
        kind="service",
        home="app",
        program="app/shop.exe",
        config="app/a.config",
        services=services,
        registry=values,
        eventSources=["Shop"],
    )
    for words in calls_of((tmp_path / "words").read_bytes()):
        if words[1] in ("add", "create"):
            wine(*words)
    for value in values:
        shown = wine("reg", "query", value["key"], "/v", value["name"])
        assert value["type"] in shown
        expected = {"REG_DWORD": "0x50", "REG_BINARY": "00FF"}.get(value["type"], value["data"])
        assert expected in shown, shown
    key = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\shop"
    assert '"C:\\my app\\shop.exe" /run' in wine("reg", "query", key, "/v", "ImagePath")
    environment = wine("reg", "query", key, "/v", "Environment").split("REG_MULTI_SZ")[1].strip().split("\\0")
    assert {f"{name}={value}" for name, value in variables.items()} <= set(environment)
    assert "STOPPED" in wine("sc", "query", "shop")
    source = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\Shop"
    assert "EventLogMessages.dll" in wine("reg", "query", source, "/v", "EventMessageFile")


def calls_of(recorded: bytes) -> list[list[str]]:
    """Split what the stand-ins wrote into calls; each begins with its program."""
    calls: list[list[str]] = []
    for word in recorded.decode().split("\0")[:-1]:
        if word in ("reg.exe", "sc.exe"):
            calls.append([])
        calls[-1].append(word)
    return calls
