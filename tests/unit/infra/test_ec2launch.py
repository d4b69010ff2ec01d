"""The Windows user-data, read by EC2Launch's own regular expressions."""

import re

import pytest

from infra.errors import ConfigError
from infra.node import userdata
from tests import golden

WINDOWS = [case for case in golden.CASES if "expected-windows.ps1" in golden.expected(case)]


def matches(tag: str, text: str) -> list[str]:
    """Return what EC2Launch v1 takes for the content of a tag; it wants exactly one match.

    EC2Launch v1 of Windows Server 2019, Module/Scripts/Invoke-Userdata.ps1 (Tomiwa-Ot/Amazon-EC2-Windows
    12fb3b7): `$regexFormat = "(?is){0}(.*?){1}"`, over the trimmed user-data, comments and strings of
    PowerShell included.
    """
    return re.findall(rf"(?is)<{tag}>(.*?)</{tag}>", text.strip())


@pytest.mark.parametrize("case", WINDOWS)
def test_ec2launch_finds_each_tag_once_and_runs_the_script_at_every_start(case):
    text = golden.user_data(case)["expected-windows.ps1"]
    (script,) = matches("powershell", text)
    bootstrap = userdata.SCRIPTS.joinpath("windows/bootstrap.ps1").read_text()
    assert script.endswith(userdata.without_comments(bootstrap))
    assert [value.lower() for value in matches("persist", text)] == ["true"]
    assert [matches(tag, text) for tag in ("script", "powershellArguments", "runAsLocalSystem")] == [
        [],
        [],
        [],
    ]


@pytest.mark.parametrize(
    "tag",
    [
        "<persist>",
        "</Persist>",
        "<script>",
        "<detach>",
        "</powershell>",
        "<runAsLocalSystem>",
        "<powershellArguments>",
    ],
)
def test_a_tag_in_a_comment_of_the_script_is_refused(tag, tmp_path, monkeypatch):
    """EC2Launch knows no comments: it would take the tag, and what follows, for its own."""
    (tmp_path / "windows").mkdir()
    (tmp_path / "windows/bootstrap.ps1").write_text(f"# {tag} merely repeats this file\nStart\n")
    monkeypatch.setattr(userdata, "SCRIPTS", tmp_path)
    with pytest.raises(
        ConfigError, match=f"bootstrap.ps1 of the Windows user-data holds '{tag[:-1]}', which EC2Launch"
    ):
        userdata.windows({"NodeName": "windows-0"})
