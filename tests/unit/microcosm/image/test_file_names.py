"""Names that Windows cannot hold, and folders that the service writes to. Rows F1 and F7."""

import pytest

from microcosm.image.findings import Level
from tests.support.services import config, findings, names

NAMES = {
    "case-twins": {"Img/a.png": "", "img/A.png": ""},
    "reserved-name": {"img/con.png": ""},
    "trailing-dot": {"docs./a": ""},
    "bad-character": {"a:b": ""},
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_windows_cannot_hold_are_refused(name):
    assert set(names(findings({"web.config": config(), **NAMES[name]}), Level.REFUSED)) == {name}


def test_a_long_path_is_warned_of_and_names_like_devices_are_not():
    assert names(findings({"web.config": config(), "a" * 230: ""})) == ["long-path"]
    assert names(findings({"web.config": config(), "console.txt": "", "com10.txt": "", "aux1/b": ""})) == []


def test_folders_that_the_service_writes_to_are_found():
    logging = config("<log4net><appender><file value='trace\\app.log'/></appender></log4net>")
    found = findings({"web.config": logging, "App_Data/a.xml": "", "sub/Uploads/b": ""}, writable=("cache",))
    assert sorted(one.where for one in found if one.name == "writable") == [
        "App_Data",
        "cache",
        "sub/Uploads",
        "trace",
    ]
