"""Rules on whole sites beyond the features of IIS, and options that settle them."""

import pytest

from microcosm.image import inspect, rules_site, start
from microcosm.image.findings import Level
from microcosm.image.inspect import Wanted
from microcosm.image.source import Source
from microcosm.image.subject import Change, Choices
from tests.support.services import assembly, config, files_of, findings, names, server, subject, web

SECURITY = "<security>{}</security>"
CORE = (
    "<handlers><add name='a' path='*' modules='AspNetCoreModuleV2'/></handlers><aspNetCore "
    "processPath='dotnet'/>"
)
ASP = (
    "<handlers><add name='a' path='*.asp' modules='IsapiModule' "
    "scriptProcessor='%windir%\\system32\\inetsrv\\asp.dll'/></handlers>"
)
PHP = (
    "<handlers><add name='p' path='*.php' modules='FastCgiModule' "
    "scriptProcessor='C:\\PHP\\php-cgi.exe'/></handlers>"
)
NODE = "<handlers><add name='n' path='a.js' modules='iisnode'/></handlers><iisnode loggingEnabled='false'/>"
REFUSED = {
    "app-offline": {"web.config": config(), "App_Offline.htm": "closed"},
    "config-size": {"web.config": config("<!--", "x" * 256_001, "-->")},
    "server-section": {"web.config": server("<globalModules><add name='a'/></globalModules>")},
    "https-only": {"web.config": server(SECURITY.format("<access sslFlags='Ssl, SslNegotiateCert'/>"))},
    "dotnet-core": {"web.config": config(), "shop.dll": "", "shop.runtimeconfig.json": "{}"},
    "iis-aspnetcore": {"web.config": server(CORE)},
    "iis-module": {
        "web.config": server("<handlers><add name='n' path='*.js' modules='iisnode'/></handlers>")
    },
    "iis-module ": {"web.config": server("<modules><add name='IIS7WSFedModule'/></modules>")},
    "iis-section": {"web.config": server("<heliconZoo/>")},
    "iis-module  ": {"web.config": server(NODE)},
    "iis-asp": {"web.config": server(ASP)},
    "iis-cgi": {"web.config": server(PHP)},
    "iis-arr": {"web.config": server("<proxy enabled='true'/>")},
    "iis-ssi": {"web.config": config(), "index.shtml": ""},
}
WARNED = {
    "nested-application": {"web.config": config(), "api/web.config": web("<authentication mode='Forms'/>")},
    "local-database": {"web.config": web("<roleManager enabled='true'/>")},
    "state-server": {
        "web.config": web("<sessionState mode='SQLServer' sqlConnectionString='data source=.;user id=u'/>")
    },
    "require-ssl": {
        "web.config": web("<authentication mode='Forms'><forms requireSSL='true'/></authentication>")
    },
}


def of_bytes(files, **choices):
    """Findings with the libraries as they are in the files, not as a test describes them."""
    one = inspect.subject(Source("folder", "site", files_of(files)), Wanted(), Choices(**choices))
    return [found for found in inspect.findings(one) if found.name != "not-a-program"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_stops_a_site_is_refused_in_one_sentence(name):
    assert names(of_bytes(REFUSED[name]), Level.REFUSED) == [name.strip()]


@pytest.mark.parametrize("name", WARNED)
def test_what_may_stop_it_is_warned_of(name):
    assert names(findings(WARNED[name])) == [name]


@pytest.mark.parametrize(
    "files",
    [
        {
            "web.config": config(),
            "Views/web.config": web("<compilation><assemblies/></compilation>", "<pages/>"),
        },
        {
            "web.config": config(),
            "a/web.config": config(
                "<location path='b'><system.web><authentication/></system.web></location>"
            ),
        },
        {"web.config": web("<authentication mode='Forms'><forms requireSSL='false'/></authentication>")},
        {"web.config": server(SECURITY.format("<access sslFlags='None'/>"))},
        {"web.config": config(), "old/app_offline.htm": ""},
        {"web.config": server("<modules><add name='Own' type='Own.Module'/></modules>")},
        {"web.config": server("<modules><remove name='Session'/><add name='Session'/></modules>")},
        {"web.config": web("<roleManager enabled='false'/>")},
    ],
)
def test_what_only_looks_like_it_is_not_found(files):
    assert names(findings(files)) == []


def test_a_library_that_forces_https_is_warned_of():
    filtering = assembly("bin/a.dll", types=frozenset({"System.Web.Mvc.RequireHttpsAttribute"}))
    assert names(findings({"web.config": config()}, filtering)) == ["require-ssl"]


def test_the_option_for_tls_settles_both():
    for name in ("https-only", "require-ssl"):
        assert names(findings({**REFUSED, **WARNED}[name], tls=True)) == []


def test_sections_that_iis_locks_are_unlocked_at_start():
    locked = {
        "web.config": server(
            SECURITY.format("<authentication><anonymousAuthentication enabled='true'/></authentication>")
        ),
        "a/web.config": server("<serverRuntime uploadReadAheadSize='1'/>"),
    }
    assert names(findings(locked)) == []
    assert len([one for one in findings(locked) if one.name == "locked-section"]) == 2
    assert start.app(subject(locked), start.Options())["unlock"] == [
        "system.webServer/security/authentication/anonymousAuthentication",
        "system.webServer/serverRuntime",
    ]
    assert rules_site.locked_sections(subject({"web.config": server("<defaultDocument/>")})) == []


def test_an_attribute_that_is_set_at_start_is_judged_as_it_will_be():
    debug = {"web.config": web("<compilation debug='true'/>"), "a.svc": ""}
    changes = (
        Change("system.web/compilation", "debug", "false"),
        Change(
            "system.serviceModel/serviceHostingEnvironment", "minFreeMemoryPercentageToActivateService", "0"
        ),
    )
    assert names(findings(debug)) == ["debug", "memory-gate"]
    assert names(findings(debug, changes=changes)) == []
    written = start.app(subject(debug, changes=changes), start.Options())["set"]
    assert written[0] == {"section": "system.web/compilation", "attribute": "debug", "value": "false"}


def test_a_32_bit_process_can_be_asked_for_and_then_takes_no_64_bit_library():
    assert start.app(subject({"web.config": config()}, x86=True), start.Options())["x86"] is True
    wide = assembly("bin/b.dll", machine=0x8664)
    assert names(findings({"web.config": config()}, wide, x86=True)) == ["bitness-mix"]


def test_a_configuration_in_any_encoding_that_the_framework_reads_is_read():
    text = (
        '<?xml version="1.0" encoding="{}"?><configuration><system.web><compilation '
        'debug="true"/></system.web></configuration>'
    )
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "windows-1252", "iso-8859-15", "shift_jis", "gb2312"):
        declared = "utf-8" if encoding == "utf-8-sig" else encoding
        assert names(findings({"web.config": text.format(declared).encode(encoding)})) == ["debug"], encoding
    wrong = text.format("utf-16").encode("utf-8")
    assert names(findings({"web.config": wrong})) == ["config-unreadable"], (
        "the framework's reader refuses it as well"
    )
