"""Places, conditions and custom actions of an MSI.

Rows M1 and M3 to M6 of the review; test_msi_tables.py has M2.
"""

import pytest

from microcosm.errors import OperatorError
from microcosm.image.findings import Level
from microcosm.image.msi_properties import UnknownCondition, holds
from tests.support.services import msi_findings, names, package


def directory(name, parent, default):
    return {"Directory": name, "Directory_Parent": parent, "DefaultDir": default}


def rooted(root, default="."):
    return [
        directory("TARGETDIR", None, "SourceDir"),
        directory(root, "TARGETDIR", default),
        directory("SITE", root, "SITE~1|Site:source"),
    ]


PLACES = {
    "ProgramFilesFolder": "Program Files (x86)/Site/web.config",
    "ProgramFiles64Folder": "Program Files/Site/web.config",
    "CommonAppDataFolder": "ProgramData/Site/web.config",
    "WindowsVolume": "Site/web.config",
    "OWN": "own/Site/web.config",
}


@pytest.mark.parametrize("root", PLACES)
def test_a_file_lies_where_its_directory_row_says(root):
    msi = package(Directory=rooted(root, "own" if root == "OWN" else "."))
    assert list(msi.paths.values()) == [PLACES[root]]


def test_a_folder_can_be_given_and_has_to_be_on_c():
    msi = package(given={"SITE": "C:\\inetpub\\wwwroot"})
    assert list(msi.paths.values()) == ["inetpub/wwwroot/web.config"]
    with pytest.raises(OperatorError, match="a container has C: alone"):
        _ = package(given={"SITE": "D:\\sites"}).paths


def action(name, kind, source="", target=""):
    return {"Action": name, "Type": kind, "Source": source, "Target": target}


def step(name, sequence=100, condition=None):
    return {"Action": name, "Sequence": sequence, "Condition": condition}


def test_visual_studios_own_action_sets_the_target_folder():
    msi = package(
        Directory=[directory("TARGETDIR", None, "SourceDir")],
        Component=[
            {
                "Component": "C",
                "Directory_": "TARGETDIR",
                "Attributes": 256,
                "Condition": None,
                "KeyPath": "F",
            }
        ],
        Property=[
            {"Property": "Manufacturer", "Value": "Firm"},
            {"Property": "ProductName", "Value": "Shop"},
        ],
        CustomAction=[
            action("DIRCA_TARGETDIR", 307, "TARGETDIR", "[ProgramFilesFolder][Manufacturer]\\[ProductName]")
        ],
        InstallExecuteSequence=[step("DIRCA_TARGETDIR", 750, 'TARGETDIR=""')],
    )
    assert list(msi.paths.values()) == ["Program Files (x86)/Firm/Shop/web.config"]


def test_a_search_for_the_web_root_has_a_known_answer_and_another_is_named():
    msi = package(
        AppSearch=[{"Property": "SITE", "Signature_": "S"}, {"Property": "LICENCE", "Signature_": "L"}],
        RegLocator=[
            {
                "Signature_": "S",
                "Root": 2,
                "Key": "SOFTWARE\\Microsoft\\InetStp",
                "Name": "PathWWWRoot",
                "Type": 2,
            },
            {"Signature_": "L", "Root": 2, "Key": "SOFTWARE\\Firm", "Name": "Licence", "Type": 2},
        ],
    )
    assert list(msi.paths.values()) == ["inetpub/wwwroot/web.config"]
    assert [one.where for one in msi_findings(msi) if one.name == "msi-search"] == ["LICENCE"]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (None, True),
        ("VersionNT >= 603", True),
        ("VersionNT64", True),
        ("NOT VersionNT64", False),
        ("NOT Installed AND NOT REMOVE", True),
        ('A="x" OR (B<>"1" AND NOT C)', True),
        ('A~="X"', False),
        ('Privileged AND "abc" >< "b"', True),
        ("!Main=2", True),
        ("1 = 2", False),
    ],
)
def test_conditions_hold_as_for_a_first_installation(condition, met):
    assert holds(condition, {"VersionNT": "603", "VersionNT64": "603", "Privileged": "1"}) is met


@pytest.mark.parametrize("condition", ["A XOR B", "A = ", "(A", "A B", "§"])
def test_a_condition_that_is_not_understood_says_so(condition):
    with pytest.raises(UnknownCondition):
        holds(condition, {})


def test_features_and_components_that_are_not_installed_bring_no_files():
    component = {
        "Component": "C",
        "Directory_": "SITE",
        "Attributes": 256,
        "Condition": "NOT VersionNT64",
        "KeyPath": "F",
    }
    assert package(Component=[component]).paths == {}
    assert package(Feature=[{"Feature": "Main", "Level": 100}]).paths == {}
    assert (
        len(
            package(
                Feature=[{"Feature": "Main", "Level": 100}],
                Property=[{"Property": "INSTALLLEVEL", "Value": "100"}],
            ).paths
        )
        == 1
    )
    off = [{"Feature_": "Main", "Level": 0, "Condition": "VersionNT64"}]
    assert package(Condition=off).paths == {}


def test_a_condition_that_is_not_understood_is_refused_by_its_components_name():
    component = {
        "Component": "C",
        "Directory_": "SITE",
        "Attributes": 256,
        "Condition": "A XOR B",
        "KeyPath": "F",
    }
    assert names(msi_findings(package(Component=[component])), Level.REFUSED) == ["msi-condition"]


def test_a_package_for_one_user_that_installs_into_his_folder_is_warned_of():
    users = package(Directory=rooted("LocalAppDataFolder"))
    assert list(users.paths.values()) == ["Users/ContainerAdministrator/AppData/Local/Site/web.config"]
    assert names(msi_findings(users)) == ["msi-per-user"]
    everybody = package(
        Directory=rooted("LocalAppDataFolder"), Property=[{"Property": "ALLUSERS", "Value": "1"}]
    )
    assert names(msi_findings(everybody)) == []
