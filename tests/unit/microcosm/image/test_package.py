"""Parameters of a msdeploy package: each fills the one place that it names. Row C11 of the review."""

import pytest

from microcosm.errors import UsageError
from microcosm.image.findings import Level
from microcosm.image.package import set_parameters
from microcosm.image.source import read
from tests.support.services import config, connection, findings, names
from tests.support.web_packages import CONNECTION, SCOPE, TOKEN, package, parameter

WEB_CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <!-- <add key="Mode" value="old" /> -->
  <appSettings>
    <add key="Mode" value='old' />
    <add key="Other" value="old" />
  </appSettings>
  <applicationSettings><Shop><setting name="Url"><value>old</value></setting></Shop></applicationSettings>
</configuration>
"""


def test_parameters_fill_the_tokens_of_a_package(tmp_path):
    made = package(tmp_path / "p.zip", {"Web.config": connection(TOKEN)})
    given = f"<setParameter name='{CONNECTION}' value='Server=db;Database=&quot;a&quot;'/>"
    (tmp_path / "set.xml").write_text(f"<parameters>{given}</parameters>")
    assert names(findings(read(made).tree), Level.REFUSED) == ["unfilled-token"]
    filled = read(made, set_parameters(tmp_path / "set.xml"))
    assert names(findings(filled.tree)) == []
    assert b"Server=db;Database=&quot;a&quot;" in filled.tree.read("web.config")


FILLED = {
    "/configuration/appSettings/add[@key='Mode']/@value": (
        "value='old' />\n    <add",
        'value="a&amp;b" />\n    <add',
    ),
    "//appSettings/add[@key='Other']/@value": ('"Other" value="old"', '"Other" value="a&amp;b"'),
    "/configuration/applicationSettings/Shop/setting[@name='Url']/value/text()": (
        "<value>old<",
        "<value>a&amp;b<",
    ),
}


@pytest.mark.parametrize("match", FILLED)
def test_a_value_changes_its_own_place_and_nothing_else(match, tmp_path):
    made = package(tmp_path / "p.zip", {"Web.config": WEB_CONFIG}, parameter("P", match))
    old, new = FILLED[match]
    assert read(made, {"P": "a&b", CONNECTION: ""}).tree.read("Web.config").decode() == WEB_CONFIG.replace(
        old, new
    )


def test_a_text_file_and_another_encoding_are_filled(tmp_path):
    utf16 = WEB_CONFIG.replace("utf-8", "utf-16").encode("utf-16")
    text = parameter("T", "PLACE", r"\\robots\.txt$", "TextFile", default="new")
    made = package(
        tmp_path / "p.zip",
        {"Web.config": utf16, "robots.txt": "a PLACE b"},
        text,
        parameter("P", next(iter(FILLED))),
    )
    tree = read(made, {"P": "ä"}).tree
    assert tree.read("robots.txt") == b"a new b"
    assert 'value="ä"' in tree.read("Web.config").decode("utf-16")


def test_a_parameter_that_fills_nothing_is_warned_of(tmp_path):
    nowhere = parameter("P", "/configuration/appSettings/add[@key='None']/@value")
    source = read(
        package(tmp_path / "p.zip", {"Web.config": WEB_CONFIG}, nowhere, parameter("Q", "/a/@b")), {"P": "1"}
    )
    assert [(one.name, one.reason.split()[0]) for one in source.unfilled if one.name != CONNECTION] == [
        ("P", "its"),
        ("Q", "a"),
    ]


def test_what_cannot_be_understood_is_refused(tmp_path):
    with pytest.raises(UsageError, match="it has no parameter Other; its parameters are Main-Web"):
        read(package(tmp_path / "p.zip", {"Web.config": config()}), {"Other": "1"})
    with pytest.raises(UsageError, match="is not understood"):
        read(
            package(
                tmp_path / "q.zip", {"Web.config": config()}, parameter("P", "a", "(" + SCOPE, default="1")
            )
        )
    (tmp_path / "set.xml").write_text("<parameters>")
    with pytest.raises(UsageError, match="not well-formed XML"):
        set_parameters(tmp_path / "set.xml")


def test_what_a_package_brings_beside_its_site_is_warned_of(tmp_path):
    archive = (
        "<sitemanifest><iisApp path='a'><createApp/></iisApp><setAcl/><dbFullSql "
        "path='b'/><gacAssembly/></sitemanifest>"
    )
    source = read(package(tmp_path / "p.zip", {"Web.config": config()}, archive=archive))
    assert source.providers == ("dbFullSql", "gacAssembly")
    two = "<sitemanifest><iisApp path='a'/><iisApp path='b'/></sitemanifest>"
    assert read(package(tmp_path / "q.zip", {"Web.config": config()}, archive=two)).providers == (
        "a second application",
    )
