"""The reader of MSIs beside msitools' own, over packages that wixl makes.

Served: each package takes a tenth of a second.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from microcosm.image.msi_tables import Database
from microcosm.image.source import read
from tests.unit.microcosm.image.test_source import folder

TOOLS = ("wixl", "msiinfo", "msiextract", "msibuild")
MISSING = [name for name in TOOLS if not shutil.which(name)]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"Debian's wixl and msitools are needed: {', '.join(MISSING)} not found"
)
SITE = {
    "web.config": "<configuration/>",
    "bin/site.dll": "MZ",
    "App_Data/länge.txt": "x" * 70_000,
    "empty.txt": "",
}
WXS = """<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
 <Product Id="*" Name="Shop" Language="1033" Version="1.0.0" Manufacturer="Firm"
  UpgradeCode="12345678-1234-1234-1234-123456789012">
  <Package InstallerVersion="200" Compressed="yes"/>
  <Media Id="1" Cabinet="c.cab" EmbedCab="yes"/>
  <Property Id="LONG" Value="{long}"/>
  <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="{root}"><Directory Id="SITE" Name="Shop Site">
   <Component Id="C" Guid="12345678-1234-1234-1234-123456789013"{win64}>
    <File Id="F1" Source="web.config" KeyPath="yes"/><File Id="F4" Source="empty.txt"/>
    <RegistryKey Root="HKLM" Key="Software\\Firm">
     <RegistryValue Name="Where" Type="string" Value="[SITE]"/></RegistryKey>
   </Component>
   <Directory Id="BIN" Name="bin"><Component Id="B" Guid="12345678-1234-1234-1234-123456789014"{win64}>
    <File Id="F2" Source="bin/site.dll"/></Component></Directory>
   <Directory Id="DATA" Name="App_Data"><Component Id="D" Guid="12345678-1234-1234-1234-123456789015"{win64}>
    <File Id="F3" Source="App_Data/länge.txt"/></Component></Directory>
  </Directory></Directory></Directory>
  <Feature Id="Main" Level="1"><ComponentRef Id="C"/><ComponentRef Id="B"/><ComponentRef Id="D"/></Feature>
 </Product></Wix>
"""


def make(tmp_path: Path, platform: str, long: str = "a") -> Path:
    folder(tmp_path, SITE)
    root, win64 = (
        ("ProgramFiles64Folder", ' Win64="yes"') if platform == "x64" else ("ProgramFilesFolder", "")
    )
    (tmp_path / "shop.wxs").write_text(WXS.format(root=root, win64=win64, long=long))
    subprocess.run(
        ["wixl", "-a", platform, "-o", "shop.msi", "shop.wxs"], cwd=tmp_path, check=True, capture_output=True
    )
    return tmp_path / "shop.msi"


def tool(*command: str, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("platform", ["x64", "x86"])
def test_files_are_those_of_msiextract(platform, tmp_path):
    msi = make(tmp_path, platform)
    tool("msiextract", "-C", "out", "shop.msi", cwd=tmp_path)
    extracted = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    found = read(msi).tree
    start = "Program Files" if platform == "x64" else "Program Files (x86)"
    ours = {path: found.read(path) for path in found}
    # msiextract writes `Program Files` for both; what is below is the same.
    assert {path.partition("Shop Site/")[2]: data for path, data in ours.items()} == {
        path.partition("Shop Site/")[2]: data for path, data in extracted.items()
    }
    assert all(path.startswith(f"{start}/Shop Site/") for path in ours)


@pytest.mark.parametrize("long", ["a", "b" * 70_000], ids=["short strings", "a string of 70,000"])
def test_tables_are_those_of_msiinfo(long, tmp_path):
    msi = make(tmp_path, "x64", long=long)
    database = Database(msi.read_bytes(), msi.name)
    for table in (
        "Property",
        "File",
        "Component",
        "Directory",
        "Registry",
        "Media",
        "InstallExecuteSequence",
        "Feature",
    ):
        lines = [
            line.split("\t")
            for line in tool("msiinfo", "export", msi.name, table, cwd=tmp_path)
            .replace("\r\n", "\n")
            .splitlines()
        ]
        columns, rows = lines[0], lines[3:]
        ours = [
            ["" if row[column] is None else str(row[column]) for column in columns]
            for row in database.rows(table)
        ]
        assert sorted(ours) == sorted(rows), table


def test_a_cabinet_beside_the_msi_is_read_and_missed_by_name(tmp_path):
    msi = make(tmp_path, "x64")
    cabinet = subprocess.run(
        ["msiinfo", "extract", msi.name, "c.cab"], cwd=tmp_path, check=True, capture_output=True
    ).stdout
    (tmp_path / "Outer.cab").write_bytes(cabinet)
    tool("msibuild", msi.name, "-q", "UPDATE `Media` SET `Cabinet` = 'outer.cab'", cwd=tmp_path)
    assert len(read(msi).tree) == len(SITE)
    (tmp_path / "Outer.cab").unlink()
    with pytest.raises(Exception, match=r"its cabinet outer.cab is not beside it"):
        read(msi)


def test_a_table_that_wixl_does_not_know_is_read(tmp_path):
    msi = make(tmp_path, "x64")
    (tmp_path / "Own.idt").write_text(
        "Own\tNumber\tName\r\ns72\ti4\tS255\r\nOwn\tOwn\r\na\t-7\t\r\nb\t2147483647\tx\r\n"
    )
    tool("msibuild", msi.name, "-i", "Own.idt", cwd=tmp_path)
    assert Database(msi.read_bytes(), "a").rows("Own") == [
        {"Own": "a", "Number": -7, "Name": None},
        {"Own": "b", "Number": 2147483647, "Name": "x"},
    ]


def test_a_truncated_msi_is_one_sentence(tmp_path):
    data = make(tmp_path, "x64").read_bytes()
    for length in (600, 2000, len(data) // 2, len(data) - 3000):
        (tmp_path / "cut.msi").write_bytes(data[:length])
        with pytest.raises(Exception, match=r"not a readable MSI|cabinet|leads nowhere"):
            read(tmp_path / "cut.msi")
