"""The start script of Windows services and programs. Rows C7 and S1."""

import pytest

from tests.windows import pester

from .start_machine import STOPPED, Machine

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)
SERVICE = {"kind": "service", "home": "app", "program": "app/shop.exe", "config": "app/shop.exe.config"}


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(("win32", "own", "code"), [(0, 0, 1), (1066, 7, 7), (1067, 0, 1067 & 0xFF)])
def test_a_windows_service_gets_its_variables_is_started_and_its_end_ends_the_container(
    win32, own, code, machine
):
    machine.program("windows/System32/sc.exe", STOPPED.format(win32=win32, own=own))
    machine.file("app/shop.exe", "MZ")
    services = [{"name": "shop", "title": "Shop 24", "command": '"C:\\app\\shop.exe" /run'}]
    found, printed = machine.start({"APPSETTING_A": "1", "CONNSTR_B": "2"}, **SERVICE, services=services)
    assert machine.calls, printed
    assert (
        machine.calls[0]
        == 'sc.exe create shop binPath= "C:\\app\\shop.exe" /run start= demand DisplayName= Shop 24'
    )
    assert machine.calls[1].startswith(
        "reg.exe add HKLM\\SYSTEM\\CurrentControlSet\\Services\\shop /v Environment /t REG_MULTI_SZ /s \x01 "
        "/d "
    )
    assert "APPSETTING_A=1\x01" in machine.calls[1]
    assert machine.calls[2:4] == ["sc.exe start shop", "sc.exe query shop"]
    assert found == code, printed
    assert 'key="A" value="1"' in (machine.drive / "app/shop.exe.config").read_text(), (
        "a program without a configuration gets one"
    )


def test_a_program_is_run_in_its_folder_and_its_code_is_the_containers(machine):
    machine.program("app/job.exe", 'pwd >> "$(dirname "$0")/../calls"; exit ${CODE:-0}')
    facts = {
        "home": "app",
        "program": "app/job.exe",
        "config": "app/job.exe.config",
        "arguments": ["--port", "80"],
    }
    assert machine.start(kind="console", **facts)[0] == 0
    assert machine.calls == ["job.exe --port 80", "C:/app"]
    assert machine.start({"CODE": "3"}, kind="console", **facts)[0] == 3
    assert machine.start(kind="self-host", **facts)[0] == 1, "what listens may not come to an end"
