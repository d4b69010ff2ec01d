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


RUNNING = {
    1: "calls a DLL",
    2: "runs a program",
    6: "runs VBScript",
    34: "runs a command",
    3073: "calls a DLL",
    1554: "runs an installed program",
}


@pytest.mark.parametrize("kind", RUNNING)
def test_a_custom_action_that_runs_code_is_refused_by_name_type_and_file(kind):
    msi = package(
        CustomAction=[action("WriteConfig", kind, "Helper")], InstallExecuteSequence=[step("WriteConfig")]
    )
    (found,) = [one for one in msi_findings(msi) if one.level is Level.REFUSED]
    assert (found.name, found.where) == ("msi-custom-action", "WriteConfig")
    assert RUNNING[kind] in found.what
    assert str(kind) in found.what
    assert "Helper" in found.what


HARMLESS = {
    "a property": action("SetX", 51, "X", "1"),
    "a folder": action("SetDir", 35, "SITE", "C:\\x"),
    "an error": action("Fail", 19, "", "no"),
    "Visual Studio": action("VSDCA_VsdLaunchConditions", 1, "VSDNETCFG"),
    "Visual Studio's folder": action("DIRCA_CheckFX", 1, "VSDNETCFG"),
    "WiX dialogs": action("WixUIValidatePath", 65, "WixUIWixca"),
    "WiX services": action("SchedServiceConfig", 1, "WixCA"),
    "WiX IIS": action("ConfigureIIs", 1, "IIsSchedule"),
    "InstallShield": action("ISSetAllUsers", 257, "SetAllUsers.dll"),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_actions_that_set_values_and_stock_ones_are_not(case):
    row = HARMLESS[case]
    assert (
        names(
            msi_findings(package(CustomAction=[row], InstallExecuteSequence=[step(row["Action"])])),
            Level.REFUSED,
        )
        == []
    )


@pytest.mark.parametrize(
    ("condition", "type_", "runs"),
    [
        ('REMOVE="ALL"', 3106, False),
        ("Installed AND NOT UPGRADINGPRODUCTCODE", 3106, False),
        ("&Main=2", 1, False),
        (None, 1 + 0x400 + 0x100, False),
        ("NOT Installed", 3106, True),
        ("&Main=3 AND $C>2", 1, True),
        (None, 1 + 0x400 + 0x200, True),
        ("SOME ODD ~~ CONDITION", 1, True),
    ],
)
def test_an_action_counts_if_a_first_installation_runs_it(condition, type_, runs):
    action = {"Action": "Own", "Type": type_, "Source": "b", "Target": ""}
    step = {"Action": "Own", "Condition": condition, "Sequence": 100}
    found = msi_findings(package(CustomAction=[action], InstallExecuteSequence=[step]))
    assert names(found) == (["msi-custom-action"] if runs else [])


def test_an_action_that_no_installation_schedules_does_not_run():
    assert (
        names(
            msi_findings(package(CustomAction=[action("Ui", 1, "x")], InstallUISequence=[step("Ui")])),
            Level.REFUSED,
        )
        == []
    )


def test_an_advanced_installer_package_has_stock_actions_and_its_script_is_refused():
    """Names and types as two published listings of such packages have them (aicustact.dll)."""
    stock = [
        ("AI_DETECT_MODERNWIN", 1),
        ("AI_InstallModeCheck", 1),
        ("AI_DpiContentScale", 1),
        ("AI_SET_ADMIN", 51),
        ("AI_DOWNGRADE", 19),
    ]
    rows = [action(name, kind, "aicustact.dll") for name, kind in stock]
    script = action("PowerShellScriptInline", 1, "PowerShellScriptLauncher.dll")
    steps = [step(row["Action"]) for row in [*rows, script]]
    found = [
        one
        for one in msi_findings(package(CustomAction=[*rows, script], InstallExecuteSequence=steps))
        if one.level is Level.REFUSED
    ]
    assert [one.where for one in found] == ["PowerShellScriptInline"]


def test_a_package_for_one_user_that_installs_into_his_folder_is_warned_of():
    users = package(Directory=rooted("LocalAppDataFolder"))
    assert list(users.paths.values()) == ["Users/ContainerAdministrator/AppData/Local/Site/web.config"]
    assert names(msi_findings(users)) == ["msi-per-user"]
    everybody = package(
        Directory=rooted("LocalAppDataFolder"), Property=[{"Property": "ALLUSERS", "Value": "1"}]
    )
    assert names(msi_findings(everybody)) == []
