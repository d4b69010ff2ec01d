"""Rules that every PowerShell file keeps, checked on its syntax tree."""

import re

import pytest

from infra import userdata

from . import FILES, SCRIPT
from .syntax import Node, comments, parse, walk

# What Windows PowerShell 5.1 and the modules on the AMI have; a new name here is a decision.
CMDLETS = frozenset(
    re.findall(
        r"\S+",
        """
    Add-MpPreference ConvertFrom-Json ConvertTo-Json Copy-Item Export-Clixml ForEach-Object Get-Content Get-Date Get-EC2InstanceMetadata
    Get-FileHash Get-Item Get-ItemProperty Get-NetIPAddress Get-NetRoute Get-SSMParameter Get-Service Get-Variable
    Get-WindowsFeature Import-Clixml Install-WindowsFeature Invoke-WebRequest Measure-Command Move-Item New-Item New-ItemProperty
    New-NetFirewallRule New-NetRoute New-ScheduledTaskAction New-ScheduledTaskSettingsSet New-ScheduledTaskTrigger New-TimeSpan
    Out-Null Pop-Location Push-Location Read-S3Object Register-ScheduledTask Remove-Item Remove-NetFirewallRule Remove-NetRoute
    Restart-Computer Restart-Service Select-Object Set-Service Set-StrictMode Set-Variable Sort-Object Split-Path Start-Process
    Start-ScheduledTask Start-Service Start-Sleep Start-Transcript Stop-Computer Stop-Service Test-Path Where-Object Write-Host
    Write-SSMParameter
    """,
    )
)
# Functions that may start a program themselves: each looks at its exit code, or is nothing but that program.
STARTERS = {"Invoke-Native", "Start-Kubelet", "Protect-Root"}
files = pytest.mark.parametrize("name", FILES)


def functions(text: str) -> dict[str, Node]:
    return {node.one("function_name").text: node for node in walk(parse(text), "function_statement")}


def commands(node: Node, name: str) -> list[Node]:
    return [found for found in walk(node, "command") if found.all("command_name") and found.one("command_name").text == name]


@files
def test_every_file_is_what_the_grammar_of_powershell_takes(name):
    """A syntax error would show only on the machine, after the money is spent."""
    parse(FILES[name])


@files
def test_every_file_is_ascii_without_tabs_and_long_lines(name):
    """5.1 reads a file without a byte order mark as ANSI, so that other characters turn into others."""
    assert FILES[name].isascii()
    assert "\t" not in FILES[name]
    assert max(len(line) for line in FILES[name].splitlines()) <= 160


def test_the_parts_are_the_files_of_the_folder():
    """A file that is not a part would be read by people and run by nobody. The last part walks the table, so it needs all others."""
    assert userdata.WINDOWS_PARTS[-1] == "worker"
    assert {*(f"{part}.ps1" for part in userdata.WINDOWS_PARTS), "bootstrap.ps1"} == set(FILES)


@files
def test_every_file_says_first_what_it_is(name):
    """The first line is a comment with the file's own name."""
    assert comments(FILES[name])[0].startswith(f"# {name}: ")


@pytest.mark.parametrize(("name", "text"), [("the node's script", SCRIPT), ("bootstrap.ps1", FILES["bootstrap.ps1"])])
def test_every_command_is_a_function_of_the_script_or_a_known_cmdlet(name, text):
    """A misspelt or newer cmdlet, Invoke-Expression, or a program called by its bare name."""
    used = {node.one("command_name").text for node in walk(parse(text), "command") if node.all("command_name")}
    assert used - CMDLETS - set(functions(text)) == set()


def test_every_function_is_called():
    """What nobody calls is nobody's to keep right."""
    used = {node.one("command_name").text for node in walk(parse(SCRIPT), "command") if node.all("command_name")}
    exported = {"Start-Kubelet", "Repair-MetadataRoute", "Stop-Expired", "curl.exe"}
    assert set(functions(SCRIPT)) - used <= exported
    assert all(f"'{name}'" in SCRIPT for name in exported - {"curl.exe"})


@files
def test_strings_do_not_swallow_a_colon_into_a_variable_name(name):
    """`$name:` in a string is a variable of the drive `name`, and empty; it takes ${name}: to mean the two."""
    strings = [node.text for node in walk(parse(FILES[name]), "expandable_string_literal")]
    assert [text for text in strings if re.search(r"\$(?!env:|global:|\{|\()\w+:", text)] == []


@files
def test_only_operators_of_powershell_5_are_used(name):
    """&& || ?? ?. and the ternary came with 7."""
    tokens = {token for node in walk(parse(FILES[name])) for token in node.tokens}
    assert tokens & {"&&", "||", "??", "??=", "?.", "?[", "?"} == set()


@files
def test_programs_are_started_where_their_exit_code_is_looked_at(name):
    """PowerShell itself takes no notice of a program that fails."""
    for function_name, node in functions(FILES[name]).items():
        starts = [call for call in walk(node, "command") if call.all("command_invokation_operator") and "$Phase." not in call.text]
        starts = [call for call in starts if call.text not in ("& $Condition",) and "PrepareNode.ps1" not in call.text]
        if starts:
            assert function_name in STARTERS, f"{function_name} starts {starts[0].text}"
            assert "$LASTEXITCODE" in node.text


def test_files_come_in_by_the_two_functions_that_check_their_sum():
    """Everything else that could fetch a file is not a known cmdlet."""
    fetching = {name for name, node in functions(SCRIPT).items() if any("-OutFile" in call.text for call in commands(node, "Invoke-WebRequest"))}
    assert fetching == {"Save-Artifact"}
    assert {name for name, node in functions(FILES["bootstrap.ps1"]).items() if commands(node, "Read-S3Object")} == {"Save-Script"}


def test_text_is_written_by_the_function_that_writes_no_byte_order_mark():
    """Redirections and .NET's writers are used nowhere else."""
    writers = {name for name, node in functions(SCRIPT).items() if "-ItemType File" in node.text}
    assert writers == {"Write-TextFile", "Stop-Expired"}, "the second runs on its own, without the first"
    redirections = {node.text for node in walk(parse(SCRIPT), "redirection")}
    assert redirections <= {"2>&1"}


def test_inputs_are_never_parts_of_code():
    """No text is turned into code: not by a cmdlet (they are listed above), and not by .NET."""
    for forbidden in ("[scriptblock]::", "InvokeScript", "NewScriptBlock", "AddScript", "-EncodedCommand", " -Command "):
        assert forbidden.lower() not in SCRIPT.lower() + FILES["bootstrap.ps1"].lower()


def test_conditions_do_not_use_the_names_of_those_who_call_them():
    """A script block sees its caller's variables first: `$found` in a condition would be Wait-Until's."""
    inner = {"wanted", "limitseconds", "condition", "clock", "reason", "found"}
    own = {"Wait-Until", "Test-Within"}
    callers = [node for name, node in functions(SCRIPT).items() if name not in own]
    calls = [call for node in callers for call in walk(node, "command") if call.text.startswith(("Wait-", "Test-Within"))]
    blocks = [block for call in calls for block in walk(call, "script_block_expression")]
    assert blocks
    assert not {variable.text.lower().lstrip("$") for block in blocks for variable in walk(block, "variable")} & inner


@files
def test_every_function_is_short(name):
    """A function that fits no screen hides what it does."""
    lengths = {function_name: node.text.count("\n") + 1 for function_name, node in functions(FILES[name]).items()}
    assert max(lengths.values(), default=0) <= 30, lengths
