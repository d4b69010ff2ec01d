"""Custom actions of an MSI: which run code, which only set a value, and which are stock of an installer's
maker.

Types: learn.microsoft.com/windows/win32/msi/summary-list-of-all-custom-action-types.
"""

import re
from collections.abc import Callable, Iterator

from .msi_tables import Database, Row

# The lower six bits are source and kind; above them are only options (in-script, continue, once …).
_KIND = 0x3F
_SETS_PROPERTY, _SETS_FOLDER, _ERROR = 51, 35, 19
# In the script, and for the way back alone: msidbCustomActionTypeInScript and …Rollback.
_ROLLBACK = 0x400 | 0x100
_RUNS = {
    1: "calls a DLL",
    2: "runs a program",
    5: "runs JScript",
    6: "runs VBScript",
    17: "calls an installed DLL",
    18: "runs an installed program",
    21: "runs JScript",
    22: "runs VBScript",
    34: "runs a command",
    37: "runs JScript",
    38: "runs VBScript",
    50: "runs a command",
    53: "runs JScript",
    54: "runs VBScript",
    7: "installs another MSI",
    23: "installs another MSI",
    39: "installs another MSI",
}
# Actions that run code and do nothing that a container misses, by their maker's fixed names. From the sources
# of WiX v3 (src/ext/UIExtension, UtilExtension, IIsExtension, FirewallExtension, NetFxExtension,
# DependencyExtension) and, from the names that Visual Studio Installer Projects, InstallShield and Advanced
# Installer give in every package, which publish no source.
_STOCK = re.compile(
    r"WixUI\w*|WixValidatePath|WixPrintEula|WixExitEarlyWithSuccess|WixShellExec\w*|WixCheckReboot\w*"
    r"|WixBroadcast\w*"
    r"|WixQueryOs\w*|WixCloseApplications\w*|WixRemoveFoldersEx\w*|WixDependency\w*|WixFailWhenDeferred"
    r"|Wix4\w*Query\w*"
    r"|(Wix)?(Sched|Exec|Rollback)(Service\w*|Firewall\w*|Net[Ff]x\w*|EventManifest\w*"
    r"|PerfmonInstall)(_x86|_x64|_X86|_X64)?"
    r"|ServiceConfig|ExecServiceConfig|RollbackServiceConfig|ConfigureIIs(7)?(Exec)?|(Start|Commit"
    r"|Rollback|Write|Install|End)"
    r"(Metabase\w*|IIS7?\w*|Iis\w*|Cert\w*)"
    r"|DIRCA_\w+|ERRCA_\w+|VSDCA_(VsdLaunchConditions|FolderForm\w*|\w*Check\w*)"
    r"|IS(SetAllUsers|SetTARGETDIR|SelfReg\w*|PreventDowngrade|UnSelfReg\w*|Print|SetupFilesExtract"
    r"|SetupFilesCleanup|RunSetupTypeAddLocalEvent|InstallPrerequisite)"
    r"|AI_(DETECT_\w+|InstallModeCheck|DpiContentScale|EnableDebugLog|SHOW_LOG|PREPARE_UPGRADE)"
    r"|SetARPINSTALLLOCATION|SetARPReadme|SetAllUsers\w*"
)
# Actions of WiX's IIS extension run the rows of its tables, which the start script carries: they are stock
# above.


def kind(row: Row) -> int:
    return int(row["Type"] or 0) & _KIND


def sets_property(row: Row) -> bool:
    return kind(row) in (_SETS_PROPERTY, _SETS_FOLDER)


def running(database: Database, may_run: Callable[[str], bool]) -> Iterator[tuple[str, str, str]]:
    """Yield name, what it does and what it runs, of each action that a first installation runs and that is
    own code.

    `may_run` judges the condition of a step: many actions are for the removal alone.
    """
    steps = [row for row in database.rows("InstallExecuteSequence") if (row["Sequence"] or 0) != 0]
    scheduled = {row["Action"] for row in steps if may_run(str(row["Condition"] or ""))}
    for row in database.rows("CustomAction"):
        name, which = str(row["Action"]), kind(row)
        undoes = int(row["Type"] or 0) & _ROLLBACK == _ROLLBACK
        if (
            which in (_SETS_PROPERTY, _SETS_FOLDER, _ERROR)
            or undoes
            or name not in scheduled
            or _STOCK.fullmatch(name)
        ):
            continue
        yield name, f"{_RUNS.get(which, 'runs code')} (type {row['Type']})", str(row["Source"] or "")
