"""docs/guide/your-service.md: every line of the table of refusals is a case, and every case has its line."""

import re
import stat
import zipfile

import pytest

from microcosm.errors import OperatorError
from microcosm.image import inspect
from microcosm.image.source import read
from microcosm.image.subject import Choices
from tests.support.engine import PROJECT
from tests.support.services import config

from .test_source import folder, zipped

PAGE = (PROJECT / "docs/guide/your-service.md").read_text()
TABLE = PAGE.partition("| handed over | answer |\n| --- | --- |\n")[2].partition("\n\n")[0]
ROWS = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", TABLE, re.MULTILINE))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SITE = {"web.config": config()}
FOLDERS = {
    "a source tree (`*.csproj`, no `bin\\*.dll`)": {"shop.csproj": "", "web.config": config()},
    "a folder with `*.application`": {"shop.application": ""},
    "a folder with `setup.msi` alone": {"setup.msi": ""},
    "a folder with `setup.exe` and its cabinets": {"setup.exe": "", "data1.hdr": "", "data1.cab": ""},
    "a folder with a msdeploy package and its scripts": {"a.zip": "", "a.deploy.cmd": ""},
    "a folder with one zip": {"site.zip": ""},
    "a folder with the site in `publish` and other files": {"publish/web.config": config(), "a.txt": ""},
    "a folder with libraries alone": {"shop.dll": ""},
    "an empty folder": {},
}
FILES = {
    "`setup.exe`": ("setup.exe", b"MZ" + b"\0" * 90),
    "a single program": ("shop.exe", b"MZ" + b"\0" * 90),
    "an Inno Setup installer": ("a.exe", b"MZ Inno Setup Setup Data"),
    "a WiX bundle": ("a.exe", b"MZ" + b"\0" * 90 + b".wixburn"),
    "a merge module": ("a.msm", OLE),
    "a patch (`.msp`)": ("a.msp", OLE),
    "a single web.config": ("web.config", b"<configuration/>"),
    "a cabinet": ("a.cab", b"MSCF\0\0\0\0"),
    "`.7z`, `.rar`, `.tar.gz`": ("a.7z", b"7z\xbc\xaf\x27\x1c"),
    "a damaged zip": ("a.zip", b"PK\3\4"),
    "a damaged MSI": ("a.msi", OLE),
}
ZIPS = {
    "a zip with `../` in a name": {"../a": ""},
    "a zip with `C:\\` in a name": {"C:\\a": ""},
    "an MSIX package": {"AppxManifest.xml": "", "a.exe": ""},
}


def linked_folder(path):
    (folder(path / "site", SITE) / "out").symlink_to("/etc/hostname")
    return path / "site"


def linked_zip(path):
    link = zipfile.ZipInfo("out")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/hostname")
    return path / "a.zip"


def encrypted_zip(path):
    made = zipped(path / "a.zip", {"a": ""})
    data = bytearray(made.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    made.write_bytes(data)
    return made


def doubled_zip(path):
    with zipfile.ZipFile(path / "a.zip", "w") as archive:
        archive.writestr("a", "")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", "")
    return path / "a.zip"


MADE = {
    "`no-such-folder`": lambda path: path / "no-such-folder",
    "a zip with a name twice": doubled_zip,
    "a zip with a link": linked_zip,
    "an encrypted zip": encrypted_zip,
    "a link that leads out of the folder": linked_folder,
}


def handed_over(row: str, path):
    if row in FOLDERS:
        return folder(path, FOLDERS[row])
    if row in ZIPS:
        return zipped(path / "a.zip", ZIPS[row])
    if row in FILES:
        (path / FILES[row][0]).write_bytes(FILES[row][1])
        return path / FILES[row][0]
    return MADE[row](path)


def test_every_line_is_a_case_and_every_case_a_line():
    assert sorted(ROWS) == sorted([*FOLDERS, *FILES, *ZIPS, *MADE])


@pytest.mark.parametrize("row", ROWS)
def test_what_is_refused_is_answered_as_the_table_says(row, tmp_path):
    with pytest.raises(OperatorError) as caught:
        inspect.subject(read(handed_over(row, tmp_path)), inspect.Wanted(), Choices())
    assert ROWS[row] in str(caught.value)
    assert "\n" not in str(caught.value), "one sentence"
