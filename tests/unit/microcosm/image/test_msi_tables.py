"""Tables of an MSI: which are carried, noted and refused. Row M2 of the review, and the IIS tables of WiX."""

import pytest

from microcosm.image import inspect, msi_iis, msi_registry, rules_msi, start
from microcosm.image.findings import Level
from microcosm.image.inspect import Wanted
from microcosm.image.source import Source
from microcosm.image.subject import Choices
from tests.support.services import files_of, msi_findings, names, package

DIRECTORIES = [
    {"Directory": "TARGETDIR", "Directory_Parent": None, "DefaultDir": "SourceDir"},
    {"Directory": "SITE", "Directory_Parent": "TARGETDIR", "DefaultDir": "SITE~1|Site"},
]
LOGS = {"Directory": "LOGS", "Directory_Parent": "SITE", "DefaultDir": "data"}
TABLES = {
    "MsiAssembly": "msi-gac",
    "Class": "msi-com",
    "SqlString": "msi-sql",
    "User": "msi-user",
    "LockPermissions": "msi-permissions",
    "XmlFile": "msi-xml",
    "IniFile": "msi-ini",
    "DuplicateFile": "msi-move",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_not_carried_is_refused_by_name_and_can_be_ignored(table):
    msi = package(**{table: [{"A": "b"}]})
    assert names(msi_findings(msi), Level.REFUSED) == [TABLES[table]]
    assert names(msi_findings(msi, ignored=frozenset({TABLES[table]})), Level.REFUSED) == []


@pytest.mark.parametrize(
    "table", ["Shortcut", "WixFirewallException", "ServiceConfig", "LaunchCondition", "Upgrade", "RemoveFile"]
)
def test_a_table_that_a_container_does_not_need_is_noted(table):
    found = msi_findings(package(**{table: [{"A": "b"}]}))
    assert [one.where for one in found if one.name == "msi-noted"] == [f"table {table}"]
    assert names(found) == []


def test_rows_of_components_that_are_not_installed_do_nothing():
    assert names(msi_findings(package(Class=[{"Component_": "Other"}]))) == []


def test_an_assembly_beside_its_program_is_not_for_the_gac():
    """Setup projects of Visual Studio write such a row for each assembly."""
    row = {
        "Component_": "C",
        "Feature_": "Main",
        "File_Manifest": "F",
        "File_Application": "F",
        "Attributes": 0,
    }
    assert names(msi_findings(package(MsiAssembly=[row]))) == []
    assert names(msi_findings(package(MsiAssembly=[{**row, "File_Application": None}]))) == ["msi-gac"]


@pytest.mark.parametrize("table", ["Wix4XmlFile", "Wix4Certificate", "MsiEmbeddedChainer", "Wix5Group"])
def test_tables_of_later_makers_are_refused_as_well(table):
    assert len(names(msi_findings(package(**{table: [{"A": "b"}]})), Level.REFUSED)) == 1


def test_a_folder_that_the_msi_makes_empty_is_in_the_layer_and_may_be_written():
    made = package(CreateFolder=[{"Directory_": "LOGS", "Component_": "C"}], Directory=[*DIRECTORIES, LOGS])
    content = files_of(dict.fromkeys(made.paths.values(), "<configuration/>"))
    source = Source("msi", "service.msi", content, made, empty=made.empty_folders())
    assert "Site/data" in start.writable_folders(inspect.subject(source, Wanted(), Choices()))


def service(**more):
    row = {
        "Name": "shop",
        "DisplayName": "Shop [ProductName]",
        "Component_": "C",
        "Arguments": None,
        "StartName": None,
        "Dependencies": None,
    }
    return package(ServiceInstall=[{**row, **more}], Property=[{"Property": "ProductName", "Value": "24"}])


def test_a_service_is_carried_with_its_program_and_its_title():
    (found,) = rules_msi.services(service(Arguments='/config "[SITE]a.xml"'))
    assert (found["name"], found["title"], found["program"]) == ("shop", "Shop 24", "Site/web.config")
    assert found["arguments"] == '/config "C:\\Site\\a.xml"'


def test_another_account_is_warned_of_and_another_service_is_refused_by_name():
    assert names(msi_findings(service(StartName="FIRM\\svc"))) == ["msi-account"]
    assert names(msi_findings(service(StartName="LocalSystem", Dependencies="http[~]Tcpip"))) == []
    (found,) = [one for one in msi_findings(service(Dependencies="MSMQ[~]")) if one.level is Level.REFUSED]
    assert found.name == "msi-dependency"
    assert "MSMQ" in found.what


def value(**more):
    return {
        "Registry": "r",
        "Root": 2,
        "Key": "Software\\Firm",
        "Name": "Path",
        "Value": "[SITE]",
        "Component_": "C",
        **more,
    }


def test_plain_registry_values_are_carried_and_32_bit_ones_go_where_32_bit_programs_look():
    rows = [
        value(),
        value(Name="Port", Value="#8080"),
        value(Name=None, Value="x"),
        value(Name="+", Value=None),
    ]
    assert msi_registry.values(package(Registry=rows)) == [
        {"key": "HKLM\\Software\\Firm", "name": "Path", "type": "REG_SZ", "data": "C:\\Site\\"},
        {"key": "HKLM\\Software\\Firm", "name": "Port", "type": "REG_DWORD", "data": "8080"},
        {"key": "HKLM\\Software\\Firm", "name": "", "type": "REG_SZ", "data": "x"},
    ]
    narrow = [{"Component": "C", "Directory_": "SITE", "Attributes": 0, "Condition": None, "KeyPath": "F"}]
    assert (
        msi_registry.values(package(Registry=[value()], Component=narrow))[0]["key"]
        == "HKLM\\Software\\WOW6432Node\\Firm"
    )


TYPES = {
    "#x0011ff": ("REG_BINARY", "0011ff"),
    "#%[%SystemRoot]\\a.dll": ("REG_EXPAND_SZ", "%SystemRoot%\\a.dll"),
    "a[~]b": ("REG_MULTI_SZ", "a\\0b"),
    "##1": ("REG_SZ", "#1"),
    "#-1": ("REG_DWORD", "4294967295"),
}


@pytest.mark.parametrize("data", TYPES)
def test_a_value_keeps_its_type(data):
    (found,) = msi_registry.values(package(Registry=[value(Value=data)]))
    assert (found["type"], found["data"]) == TYPES[data]
    assert names(msi_findings(package(Registry=[value(Value=data)]))) == []


@pytest.mark.parametrize("data", ["[~]b", "a[~]"])
def test_a_value_that_is_joined_to_what_the_machine_has_is_refused(data):
    assert names(msi_findings(package(Registry=[value(Value=data)])), Level.REFUSED) == ["msi-registry"]


def test_values_of_a_user_are_warned_of_and_a_root_by_scope_follows_allusers():
    assert names(msi_findings(package(Registry=[value(Root=1)]))) == ["msi-user-registry"]
    everybody = [{"Property": "ALLUSERS", "Value": "1"}]
    assert msi_registry.values(package(Registry=[value(Root=-1)], Property=everybody))[0]["key"].startswith(
        "HKLM"
    )
    assert msi_registry.values(package(Registry=[value(Root=-1)]))[0]["key"].startswith("HKCU")


def test_an_event_source_of_wix_is_a_registry_key_and_is_carried():
    row = value(
        Key="SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\Shop",
        Name="EventMessageFile",
        Value="#%[SITE]m.dll",
    )
    (found,) = msi_registry.values(package(Registry=[row]))
    assert (found["key"][-9:], found["type"], found["data"]) == (
        "tion\\Shop",
        "REG_EXPAND_SZ",
        "C:\\Site\\m.dll",
    )


def site(**more):
    return {
        "Web": "W",
        "Component_": "C",
        "Description": "Shop",
        "Directory_": "SITE",
        "Sequence": None,
        **more,
    }


def folder(**more):
    return {
        "VirtualDir": "V",
        "Component_": "C",
        "Web_": "W",
        "Alias": "shop",
        "Directory_": "SITE",
        "Application_": "A",
        **more,
    }


def app(msi):
    content = files_of(dict.fromkeys(msi.paths.values(), "<configuration/>"))
    return start.app(
        inspect.subject(Source("msi", "a.msi", content, msi), Wanted(), Choices()), start.Options()
    )


@pytest.mark.parametrize("prefix", ["", "Wix4"])
def test_a_site_of_the_msi_is_the_site_of_the_container(prefix):
    facts = app(package(**{f"{prefix}IIsWebSite": [site()]}))
    assert (facts["folder"], facts["root"], facts["applications"]) == ("C:\\Site", "/", [])


def test_an_application_is_served_where_the_msi_has_it():
    msi = package(IIsWebVirtualDir=[folder(), folder(VirtualDir="D", Alias="docs", Application_=None)])
    facts = app(msi)
    assert (facts["folder"], facts["root"]) == ("C:\\inetpub\\wwwroot", "/shop")
    assert facts["applications"] == [{"path": "/shop", "folder": "C:\\Site"}]
    assert facts["folders"] == [{"path": "/docs", "folder": "C:\\Site"}]
    assert names(msi_findings(msi)) == []


def test_facts_of_a_pool_are_carried_or_refused():
    pool = {
        "AppPool": "P",
        "Name": "Shop",
        "Component_": "C",
        "User_": None,
        "ManagedPipelineMode": "Classic",
        "ManagedRuntimeVersion": "v4.0",
    }
    assert msi_iis.is_classic(package(IIsAppPool=[pool]))
    assert names(msi_findings(package(IIsAppPool=[pool]))) == []
    assert names(
        msi_findings(package(IIsAppPool=[{**pool, "ManagedRuntimeVersion": "v2.0"}])), Level.REFUSED
    ) == ["dotnet-35"]
    assert names(msi_findings(package(IIsAppPool=[{**pool, "User_": "U"}]))) == ["msi-account"]


def test_what_a_container_does_otherwise_is_said():
    address = {"Address": "A", "Web_": "W", "IP": None, "Port": "8443", "Header": "shop.example", "Secure": 1}
    (found,) = [one for one in msi_findings(package(IIsWebAddress=[address])) if one.name == "msi-binding"]
    assert "port 8443 and a host name and TLS" in found.what
    assert names(msi_findings(package(IIsFilter=[{"Filter": "F", "Component_": "C"}]))) == ["msi-iis"]
    assert names(msi_findings(package(IIsMimeMap=[{"MimeMap": "M"}]))) == ["msi-iis-left"]
    assert names(msi_findings(package(IIsWebSite=[site(), site(Web="X", Description="Other")]))) == [
        "msi-sites"
    ]
