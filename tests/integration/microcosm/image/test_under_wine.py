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
