"""Settings and connection strings: the forecast, and that no value is ever shown.

Rows C1, C9 to C11, D1 to D8, F4, F5.
"""

import json

import pytest

from microcosm.image import report
from microcosm.image.findings import Level
from tests.support.services import CANARY, config, connection, findings, names, setting, subject, web

FORECASTS = {
    "Server=db;User Id=u;Password=s3cret": {"password-in-image": Level.REFUSED},
    "Server=db;User Id=u;pwd='s3cret'": {"password-in-image": Level.REFUSED},
    "Server=db;User Id=u;Password=123456": {"password-in-image": Level.REFUSED},
    "cache:6379,password=s3cret,ssl=True": {"password-in-image": Level.REFUSED},
    "cache:6379,password=$(Password),ssl=True": {},
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc==": {"password-in-image": Level.REFUSED},
    "Server=(LocalDB)\\MSSQLLocalDB;Integrated Security=True": {"local-database": Level.REFUSED},
    "Data Source=.\\SQLEXPRESS;AttachDbFilename=|DataDirectory|a.mdf;User Instance=True": {
        "local-database": Level.REFUSED
    },
    "Data Source=(local)\\SQLEXPRESS;Database=d": {"local-database": Level.REFUSED},
    "Data Source=localhost\\sqlexpress;Database=d": {"local-database": Level.REFUSED},
    "Data Source=db\\SQLEXPRESS;Database=d": {},
    "Data Source=localhost;User Id=u": {"localhost-server": Level.WARNED},
    "Server=.;Database=d": {"localhost-server": Level.WARNED},
    "Server=tcp:127.0.0.1,1433;Database=d": {"localhost-server": Level.WARNED},
    "Server=db;Integrated Security=SSPI": {"integrated-security": Level.WARNED},
    "Server=db;Trusted_Connection=yes": {"integrated-security": Level.WARNED},
    "Data Source=|DataDirectory|\\app.sqlite": {"file-database": Level.WARNED},
    "Data Source=C:\\data\\shop.mdb;Provider=Microsoft.ACE.OLEDB.12.0": {
        "file-database": Level.WARNED,
        "database-driver": Level.WARNED,
        "drive-path": Level.WARNED,
    },
    "Driver={MySQL ODBC 8.0 Driver};Server=db": {"database-driver": Level.WARNED},
    "Driver={SQL Server};Server=db": {},
    "metadata=res://*/M.csdl;provider=System.Data.SqlClient;provider connection string='data "
    "source=.;integrated security=True'": {
        "localhost-server": Level.WARNED,
        "integrated-security": Level.WARNED,
    },
    "Server=db;Database=d": {},
    "Server=localhost.example.com;Database=d": {},
    "Server=db;Password=$(Password)": {},
    "Server=db;Password=;User Id=u": {},
}


@pytest.mark.parametrize("value", FORECASTS)
def test_a_connection_string_is_judged_by_what_fails_in_a_container(value):
    found = findings({"web.config": connection(value)})
    assert {one.name: one.level for one in found if one.level is not Level.TOLD} == FORECASTS[value]


SETTINGS = {
    ("LogPath", "D:\\logs"): "drive-path",
    ("Share", "\\\\files\\in"): "unc-path",
    ("Api", "http://localhost:8080/api"): "localhost-url",
    ("Queue", "amqp://localhost:5672/"): "localhost-url",
    ("Bus", "amqp://shop:s3cret@bus.example/"): "password-in-image",
    ("ApiKey", "a8f5f167f44f4964"): "secret-in-image",
    ("SmtpPass", "a8f5f167f44f4964"): "secret-in-image",
    (
        "Files",
        "https://shop.blob.core.windows.net/in?sv=2019-12-12&amp;sig=aB3dEfGhIj%3D",
    ): "password-in-image",
    ("Db", "Server=db;Password=abc;"): "password-in-image",
}


@pytest.mark.parametrize("pair", SETTINGS)
def test_a_setting_is_judged_likewise(pair):
    assert names(findings({"web.config": setting(*pair)})) == [SETTINGS[pair]]


@pytest.mark.parametrize(
    "pair",
    [
        ("PasswordLength", "8"),
        ("UseToken", "true"),
        ("ApiKey", ""),
        ("Home", "http://localhost.example/"),
        ("Ratio", "a:b"),
        ("Bypass", "/health"),
        ("Page", "https://shop.example/?sig=no"),
    ],
)
def test_a_harmless_setting_is_not(pair):
    assert names(findings({"web.config": setting(*pair)})) == []


ELSEWHERE = {
    "<log4net><appender><connectionString value='Server=db;Password=abc'/></appender></log4net>": [
        "password-in-image"
    ],
    "<applicationSettings><S><setting "
    "name='a'><value>Server=db;Pwd=abc;</value></setting></S></applicationSettings>": ["password-in-image"],
    "<nlog><targets><target fileName='D:\\logs\\a.log'/></targets></nlog>": ["drive-path"],
    "<system.codedom><compilers><compiler compilerOptions='/langversion:6 "
    "/nowarn:1659;1699'/></compilers></system.codedom>": [],
    "<log4net><appender><file value='C:\\logs\\a.log'/>"
    "<conversionPattern value='%d'/></appender></log4net>": [],
    "<!-- Password=abc; -->": [],
    "<rabbit uri='amqp://shop:abc@bus'/>": ["password-in-image"],
    "<system.serviceModel><client>"
    "<endpoint address='http://localhost:9/a'/></client></system.serviceModel>": ["localhost-url"],
    "<system.serviceModel><client><endpoint address='http://shop:9/a'/></client></system.serviceModel>": [],
}


@pytest.mark.parametrize("section", ELSEWHERE)
def test_sections_of_other_libraries_are_looked_through(section):
    assert names(findings({"web.config": config(section)})) == ELSEWHERE[section]


def test_an_expected_variable_settles_the_database():
    value = "Server=(localdb)\\x;Integrated Security=True"
    assert names(findings({"web.config": connection(value)}, expected=frozenset({"CONNSTR_Main"}))) == []


def test_the_report_lists_every_setting_with_its_variable():
    files = {
        "web.config": config(
            "<appSettings file='more.config'><add key='webpages:Version' value='3'/></appSettings>",
            "<connectionStrings configSource='db.config'/>",
        ),
        "more.config": "<appSettings><add key='Added' value='1'/></appSettings>",
        "db.config": "<connectionStrings><clear/><add name='Main' "
        "connectionString='Server=db'/></connectionStrings>",
    }
    told = [str(one) for one in findings(files) if one.name == "setting"]
    assert any("more.config, appSettings Added" in line and "APPSETTING_Added" in line for line in told)
    assert any("APPSETTING_webpages_Version" in line for line in told), (
        "a colon is no letter of a variable's name in a Secret"
    )
    assert any("db.config, connectionStrings Main" in line and "CONNSTR_Main" in line for line in told)


@pytest.mark.parametrize(
    "section",
    [
        f"<connectionStrings><add name='Main' "
        f"connectionString='Server=db;Password={CANARY}'/></connectionStrings>",
        f"<appSettings><add key='Password' value='{CANARY}'/></appSettings>",
        f"<appSettings><add key='Where' value='D:\\{CANARY}'/></appSettings>",
        f"<system.web><machineKey validationKey='{CANARY}' decryptionKey='{CANARY}'/></system.web>",
        f"<system.web><identity impersonate='true' userName='u' password='{CANARY}'/></system.web>",
        f"<system.net><mailSettings><smtp><network host='m' "
        f"password='{CANARY}'/></smtp></mailSettings></system.net>",
        f"<system.web><sessionState mode='SQLServer' "
        f"sqlConnectionString='Server=a;Password={CANARY}'/></system.web>",
    ],
)
def test_no_value_is_in_any_output(section, capsys):
    one = subject({"web.config": config(section)})
    found = findings({"web.config": config(section)})
    assert names(found), "each of them is worth a finding"
    report.show("service", report.facts(one), found)
    assert CANARY not in capsys.readouterr().out
    assert CANARY not in json.dumps(report.document(report.facts(one), found))
    assert CANARY not in repr(one.settings)


def test_a_broken_file_is_named_and_the_rest_is_checked_all_the_same():
    found = findings(
        {
            "web.config": "<configuration><a></configuration>",
            "sub/web.config": web("<compilation debug='true'/>"),
        }
    )
    assert names(found) == ["config-unreadable", "debug"]


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><configuration>&b;</configuration>'
    assert names(findings({"web.config": bomb})) == ["config-unreadable"]


REFUSED = {
    "encrypted-section": config(
        "<connectionStrings "
        "configProtectionProvider='RsaProtectedConfigurationProvider'><EncryptedData/></connectionStrings>"
    ),
    "part-missing": config("<connectionStrings configSource='secret.config'/>"),
    "unfilled-token": connection("$(ReplacableToken_Main-Web.config Connection String_0)"),
    "password-in-image": web("<identity impersonate='false' userName='u' password='p'/>"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused(name):
    assert names(findings({"web.config": REFUSED[name]}), Level.REFUSED) == [name]


WARNED = {
    "machine-key": web("<machineKey validationKey='ABCD' decryptionKey='EF01'/>"),
    "state-server": web("<sessionState mode='StateServer' stateConnectionString='tcpip=127.0.0.1:42424'/>"),
    "smtp-localhost": config(
        "<system.net><mailSettings><smtp><network host='localhost'/></smtp></mailSettings></system.net>"
    ),
    "certificate": config(
        "<system.serviceModel><behaviors><serviceBehaviors><behavior>"
        "<serviceCredentials><serviceCertificate findValue='x'/>"
        "</serviceCredentials></behavior></serviceBehaviors></behaviors></system.serviceModel>"
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_state_and_keys_that_replicas_do_not_share_are_warned_of(name):
    assert names(findings({"web.config": WARNED[name]})) == [name]


def test_a_key_that_is_generated_is_a_fact():
    assert "machine-key" in names(
        findings({"web.config": web("<machineKey validationKey='AutoGenerate,IsolateApps'/>")}), Level.TOLD
    )
