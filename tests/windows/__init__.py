"""Tests of userdata/windows: rules on the syntax tree, the data in the scripts, and their logic on a stand-in for Windows.

syntax, values, interpreter   a stand-in for PowerShell: the part of the language that the scripts use
machine, programs, cmdlets    a stand-in for the machine: state behind the names of cmdlets and programs
"""

from infra import userdata

FILES = {path.name: path.read_text() for path in sorted((userdata.SCRIPTS / "windows").glob("*.ps1"))}
BOOTSTRAP = FILES["bootstrap.ps1"]
SCRIPT = userdata.windows_script()
