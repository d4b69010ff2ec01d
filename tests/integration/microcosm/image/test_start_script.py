"""The start script, run as it ships: golden lists of calls, and web.config before and after.

Rows C1 to C7, I6, I8, S1, W1, W3, L4, R1.
"""

from xml.etree import ElementTree

import pytest

from tests.support.services import CANARY
from tests.windows import pester

from .start_machine import Machine

pytestmark = pytest.mark.skipif(not pester.PWSH, reason=pester.WITHOUT)
LOG = "Date,Time,ClientIP,Method,UriStem,HttpStatus,HttpSubStatus,Win32Status,TimeTaken"
SITE_CALLS = [
    "net.exe stop was /y",
    f"appcmd.exe set config /section:system.applicationHost/sites "
    f"/siteDefaults.logFile.logExtFileFlags:{LOG} /commit:apphost",
    "appcmd.exe set apppool DefaultAppPool /startMode:AlwaysRunning /processModel.idleTimeout:00:00:00 "
    "/recycling.periodicRestart.time:00:00:00",
    "ServiceMonitor.exe w3svc",
]
WEB_CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <!-- kept -->
  <appSettings file="more.config">
    <add key="Mode" value="old" />
    <add key="webpages:Version" value="3" />
  </appSettings>
  <connectionStrings configSource="db.config" />
  <system.serviceModel>
    <behaviors><serviceBehaviors><behavior name="" /></serviceBehaviors></behaviors>
  </system.serviceModel>
</configuration>
"""


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    machine.file("inetpub/wwwroot/web.config", WEB_CONFIG)
    machine.file("inetpub/wwwroot/more.config", '<appSettings><add key="Outer" value="old"/></appSettings>')
    machine.file(
        "inetpub/wwwroot/db.config",
        '<connectionStrings><add name="Main" connectionString="old"/></connectionStrings>',
    )
    return machine


def values(machine, name, key, value):
    root = ElementTree.parse(machine.drive / "inetpub/wwwroot" / name).getroot()
    return {entry.get(key): entry.get(value) for entry in root.iter("add") if entry.get(key)}


def test_a_site_is_stopped_configured_and_started_in_this_order(machine):
    code, _ = machine.start()
    assert machine.calls == SITE_CALLS
    assert code == 1, "ServiceMonitor that ends by itself is a failure, although it says 0"


def test_pool_applications_protocols_and_registry_are_set_between_stop_and_start(machine):
    machine.start(
        {"TZ_WINDOWS": "W. Europe Standard Time"},
        x86=True,
        classic=True,
        netTcp=True,
        folder="C:\\Program Files\\Shop",
        applications=[{"path": "/api", "folder": "C:\\inetpub\\api"}],
        folders=[{"path": "/files", "folder": "C:\\inetpub\\files"}],
        unlock=["system.webServer/security/access"],
        eventSources=["Shop"],
        registry=[
            {"key": "HKLM\\Software\\Firm", "name": "Port", "type": "REG_DWORD", "data": "80"},
            {"key": "HKLM\\Software\\Firm", "name": "", "type": "REG_SZ", "data": 'C:\\My "Shop"\\'},
        ],
    )
    assert machine.calls == [
        SITE_CALLS[0],
        "tzutil.exe /s W. Europe Standard Time",
        "reg.exe add HKLM\\Software\\Firm /v Port /t REG_DWORD /d 80 /f",
        'reg.exe add HKLM\\Software\\Firm /ve /t REG_SZ /d C:\\My "Shop"\\ /f',
        "reg.exe add HKLM\\SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\Shop /v "
        "EventMessageFile /t REG_EXPAND_SZ "
        "/d %SystemRoot%\\Microsoft.NET\\Framework64\\v4.0.30319\\EventLogMessages.dll /f",
        *SITE_CALLS[1:3],
        "appcmd.exe set apppool DefaultAppPool /enable32BitAppOnWin64:true",
        "appcmd.exe set apppool DefaultAppPool /managedPipelineMode:Classic",
        "appcmd.exe unlock config /section:system.webServer/security/access",
        "appcmd.exe set vdir Default Web Site/ /physicalPath:C:\\Program Files\\Shop",
        "appcmd.exe add app /site.name:Default Web Site /path:/api /physicalPath:C:\\inetpub\\api "
        "/applicationPool:DefaultAppPool",
        "appcmd.exe add vdir /app.name:Default Web Site/ /path:/files /physicalPath:C:\\inetpub\\files",
        "appcmd.exe set app Default Web Site/ /enabledProtocols:http,net.tcp",
        "net.exe start NetTcpActivator",
        SITE_CALLS[3],
    ]


def test_variables_and_files_of_a_secret_reach_the_file_that_holds_the_setting(machine):
    machine.file("microcosm/secrets/connectionStrings/Main", f"Server=db;Password={CANARY}\n")
    machine.file("microcosm/secrets/connectionStrings/..data/Main", "not this one")
    variables = {
        "APPSETTING_mode": CANARY,
        "APPSETTING_Outer": CANARY,
        "APPSETTING_webpages_Version": "4",
        "APPSETTING_New": "1",
        "CONNSTR_Main": "loses",
    }
    machine.file("microcosm/secrets/appSettings/More.Dots-x", 'ä<>&"')
    code, printed = machine.start(variables, metadataFromHost=True)
    assert values(machine, "web.config", "key", "value") == {
        "Mode": CANARY,
        "webpages:Version": "4",
        "New": "1",
        "More.Dots-x": 'ä<>&"',
    }
    assert values(machine, "more.config", "key", "value") == {"Outer": CANARY}
    assert values(machine, "db.config", "name", "connectionString") == {
        "Main": f"Server=db;Password={CANARY}"
    }
    assert "appSettings had no entry New; it is added." in printed
    text = (machine.drive / "inetpub/wwwroot/web.config").read_text()
    assert "<!-- kept -->" in text
    assert "useRequestHeadersForMetadataAddress" in text
    assert CANARY not in printed
    assert not any(CANARY in call for call in machine.calls)
    assert code == 1


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16", b"\xff\xfe")]
)
def test_encoding_and_byte_order_mark_are_kept(encoding, mark, machine):
    text = (
        '<?xml version="1.0" encoding="{}"?>\n<configuration><appSettings><add key="Mode" '
        'value="ä"/></appSettings></configuration>'
    )
    path = machine.file(
        "inetpub/wwwroot/web.config",
        mark + text.format(encoding).encode("utf-16-le" if encoding == "utf-16" else encoding),
    )
    machine.start({"APPSETTING_Mode": "ö"})
    data = path.read_bytes()
    assert data.startswith(mark or b"<?xml")
    assert ElementTree.fromstring(data).find("appSettings/add").get("value") == "ö"


def test_keys_of_all_replicas_and_the_culture_are_written(machine):
    machine.start({"MACHINEKEY_VALIDATION": "AA", "MACHINEKEY_DECRYPTION": "BB", "APP_CULTURE": "de-DE"})
    root = ElementTree.parse(machine.drive / "inetpub/wwwroot/web.config").getroot()
    assert root.find("system.web/machineKey").attrib == {
        "validationKey": "AA",
        "decryptionKey": "BB",
        "validation": "HMACSHA256",
        "decryption": "AES",
    }
    assert root.find("system.web/globalization").attrib == {"culture": "de-DE", "uiCulture": "de-DE"}


def test_attributes_are_set_where_the_section_is_and_where_it_is_not(machine):
    changes = [
        ("system.web/compilation", "debug", "false"),
        ("system.serviceModel/serviceHostingEnvironment", "minFree", "0"),
    ]
    machine.start(set=[dict(zip(("section", "attribute", "value"), one, strict=True)) for one in changes])
    root = ElementTree.parse(machine.drive / "inetpub/wwwroot/web.config").getroot()
    assert root.find("system.web/compilation").get("debug") == "false"
    assert root.find("system.serviceModel/serviceHostingEnvironment").get("minFree") == "0"
    assert root.find("system.serviceModel/behaviors") is not None, "what was there stays"


def test_files_of_a_config_map_replace_those_of_the_service_before_settings_are_written(machine):
    machine.file("microcosm/files/web.config", WEB_CONFIG.replace("old", "mounted"))
    machine.file("microcosm/files/..data/web.config", "not this one")
    _, printed = machine.start({"APPSETTING_Outer": "1"})
    assert values(machine, "web.config", "key", "value")["Mode"] == "mounted"
    assert values(machine, "more.config", "key", "value") == {"Outer": "1"}
    assert "web.config: replaced by the mounted file." in printed


def test_an_application_below_the_site_gets_its_protocols(machine):
    machine.start(netTcp=True, root="/Shop", applications=[{"path": "/Shop", "folder": "C:\\Shop"}])
    assert "appcmd.exe set app Default Web Site/Shop /enabledProtocols:http,net.tcp" in machine.calls


def test_without_anything_to_set_the_file_stays_byte_for_byte(machine):
    machine.start()
    assert (machine.drive / "inetpub/wwwroot/web.config").read_text() == WEB_CONFIG


def test_logmonitor_wraps_servicemonitor_where_it_is_given(machine):
    machine.program("LogMonitor/LogMonitor.exe")
    machine.start()
    assert machine.calls[-1] == "LogMonitor.exe C:/ServiceMonitor.exe w3svc"


def test_a_failing_program_ends_the_start_with_its_name_and_no_value(machine):
    machine.program("windows/System32/tzutil.exe", "exit 5")
    code, printed = machine.start({"TZ_WINDOWS": "Nowhere"})
    assert (code, "tzutil.exe /s Nowhere: exit code 5." in printed) == (1, True)
    assert "ServiceMonitor.exe w3svc" not in machine.calls
    machine.program("windows/System32/net.exe", "exit 2")
    machine.program("windows/System32/tzutil.exe")
    machine.start({"TZ_WINDOWS": "UTC"})
    assert machine.calls[-1] == "ServiceMonitor.exe w3svc", "net's code 2 says that WAS was not running"


def test_a_broken_file_ends_the_start(machine):
    machine.file("inetpub/wwwroot/web.config", "<configuration>")
    code, printed = machine.start({"APPSETTING_A": CANARY})
    assert (code, "failed:" in printed, CANARY in printed) == (1, True, False)
