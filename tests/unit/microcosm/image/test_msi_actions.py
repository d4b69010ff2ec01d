"""Custom actions of an MSI: which run in a first installation, and which are harmless. Row M2."""

import pytest

from microcosm.image.findings import Level
from tests.support.services import msi_findings, names, package

from .test_msi import action, step

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
