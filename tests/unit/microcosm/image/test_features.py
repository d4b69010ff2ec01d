"""Features that a site asks of IIS and WCF: one sentence per missing feature, and silence on near misses.

Rows I1 to I11 and W1 to W7.
"""

import pytest

from microcosm.image import bases
from microcosm.image.findings import Level
from microcosm.image.inspect import Wanted
from tests.support.services import config, findings, model, names, server, web

AUTHENTICATION = "<security><authentication><{0} enabled='{1}'/></authentication></security>"
MISSING = {
    "iis-rewrite": {"web.config": server("<rewrite><rules><rule name='a'/></rules></rewrite>")},
    "iis-http-redirect": {"web.config": server("<httpRedirect enabled='true' destination='https://a'/>")},
    "iis-dynamic-compression": {"web.config": server("<urlCompression doDynamicCompression='true'/>")},
    "iis-app-init": {"web.config": server("<applicationInitialization doAppInitAfterRestart='true'/>")},
    "iis-windows-auth": {"web.config": server(AUTHENTICATION.format("windowsAuthentication", "true"))},
    "iis-basic-auth": {"web.config": server(AUTHENTICATION.format("basicAuthentication", "True"))},
    "iis-digest-auth": {"web.config": server(AUTHENTICATION.format("digestAuthentication", "true"))},
    "iis-client-certs": {
        "web.config": server(AUTHENTICATION.format("iisClientCertificateMappingAuthentication", "true"))
    },
    "iis-url-auth": {
        "web.config": server(
            "<security><authorization><add accessType='Deny' users='?'/></authorization></security>"
        )
    },
    "iis-ip-security": {"web.config": server("<security><ipSecurity allowUnlisted='false'/></security>")},
    "iis-tracing": {"web.config": server("<tracing><traceFailedRequests/></tracing>")},
    "iis-cgi": {
        "web.config": server("<handlers><add name='php' path='*.php' modules='FastCgiModule'/></handlers>")
    },
    "iis-asp": {"web.config": config(), "old/default.ASP": "<% %>"},
    "iis-webdav": {"web.config": server("<webdav><authoring enabled='true'/></webdav>")},
    "iis-websockets": {"web.config": server("<webSocket receiveBufferLimit='1'/>")},
    "classic-pipeline": {"web.config": web("<httpModules><add name='a' type='b'/></httpModules>")},
    "dotnet-35": {
        "web.config": config(
            "<configSections><sectionGroup name='system.web.extensions' type='t'/></configSections>",
            "<system.web/>",
        )
    },
    "target-framework": {"web.config": web("<httpRuntime targetFramework='4.8.1'/>")},
    "net-msmq": {
        "web.config": model(
            "<services><service name='s'><endpoint binding='netMsmqBinding'/></service></services>"
        )
    },
    "net-pipe": {
        "web.config": model(
            "<services><service name='s'><endpoint binding='netNamedPipeBinding'/></service></services>"
        )
    },
    "https-binding": {
        "web.config": model(
            "<services><service name='s'><endpoint binding='basicHttpBinding'/></service></services>",
            "<bindings><basicHttpBinding><binding><security "
            "mode='Transport'/></binding></basicHttpBinding></bindings>",
        )
    },
}


@pytest.mark.parametrize("name", MISSING)
def test_a_feature_that_the_base_lacks_is_refused_in_one_sentence(name):
    found = [one for one in findings(MISSING[name]) if one.level is Level.REFUSED]
    assert [one.name for one in found] == [name]
    assert found[0].fix, "a refusal says the way out"


@pytest.mark.parametrize("name", [name for name in MISSING if name in bases.features()])
def test_the_refusal_names_the_feature_and_the_lines_of_a_dockerfile(name):
    (found,) = [one for one in findings(MISSING[name]) if one.level is Level.REFUSED]
    title = bases.features()[name]["title"]
    assert title in str(found) or name == "dotnet-35"
    assert "FROM mcr.microsoft.com/dotnet/framework/" in found.fix
    assert "RUN " in found.fix


def test_a_base_that_is_said_to_have_the_feature_is_believed():
    wanted = Wanted(base="registry.example/own:1", base_has=["iis-rewrite"])
    assert "iis-rewrite" not in names(findings(MISSING["iis-rewrite"], wanted=wanted))


def test_of_an_unknown_base_nothing_is_known_so_it_only_warns():
    (found,) = [
        one
        for one in findings(MISSING["iis-rewrite"], wanted=Wanted(base="registry.example/own:1"))
        if one.name == "iis-rewrite"
    ]
    assert found.level is Level.WARNED


@pytest.mark.parametrize("release", ["2022", "2025"])
def test_a_site_for_481_fits_the_newer_bases(release):
    assert names(findings(MISSING["target-framework"], wanted=Wanted(release=release))) == []


NEAR_MISSES = {
    "in a comment": config("<!-- <system.webServer><rewrite><rules/></rewrite></system.webServer> -->"),
    "switched off": server(
        "<httpRedirect enabled='false' destination='https://a'/>", "<webSocket enabled='false'/>"
    ),
    "a module removed that is not there": server("<modules><remove name='WebDAVModule'/></modules>"),
    "windows authentication off": server(AUTHENTICATION.format("windowsAuthentication", "false")),
    "static compression": server("<urlCompression doStaticCompression='true'/>"),
    "old modules, not validated": config(
        "<system.web><httpModules><add name='a' type='b'/></httpModules></system.web>",
        "<system.webServer><validation validateIntegratedModeConfiguration='false'/></system.webServer>",
    ),
    "no modules in the old section": web("<httpModules/>"),
    "a client's endpoint": model(
        "<client><endpoint binding='netMsmqBinding' address='net.msmq://other/q'/></client>"
    ),
}


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_what_only_looks_like_it_is_not_found(case):
    assert names(findings({"web.config": NEAR_MISSES[case]})) == []


PLACES = {
    "in a location": {
        "web.config": config(f"<location path='admin'>{server('<rewrite/>')[36:-16]}</location>"),
    },
    "in a subfolder": {"web.config": config(), "admin/Web.config": server("<rewrite/>")},
    "behind configSource": {
        "web.config": server("<rewrite configSource='rules\\rewrite.config'/>"),
        "rules/rewrite.config": "<rewrite><rules/></rewrite>",
    },
    "with a namespace": {
        "web.config": server("<rewrite/>").replace(
            "<configuration>", "<configuration xmlns='http://schemas/NetConfiguration/v2.0'>"
        )
    },
}


@pytest.mark.parametrize("case", PLACES)
def test_a_section_is_found_wherever_it_stands(case):
    assert "iis-rewrite" in names(findings(PLACES[case]), Level.REFUSED)


ENOUGH_MEMORY = "<serviceHostingEnvironment minFreeMemoryPercentageToActivateService='0'/>"
DUAL = model(
    "<services><service name='s'><endpoint binding='wsDualHttpBinding' "
    "bindingConfiguration='b'/></service></services>",
    "<bindings><wsDualHttpBinding><binding name='b'><security "
    "mode='None'/></binding></wsDualHttpBinding></bindings>",
    ENOUGH_MEMORY,
)
WARNED = {
    "debug": {"web.config": web("<compilation debug='true'/>")},
    "transform-left": {"web.config": config(), "Web.Release.config": config()},
    "roslyn-missing": {
        "web.config": config(
            "<system.codedom><compilers><compiler "
            "type='Microsoft.CodeDom.Providers.DotNetCompilerPlatform.C, M'/></compilers></system.codedom>"
        )
    },
    "windows-authentication": {"web.config": web("<authentication mode='Windows'/>")},
    "probe-auth": {"web.config": web("<authorization><deny users='?'/></authorization>")},
    "source-files": {"web.config": config(), "bin/a.txt": "", "Logic.cs": "class A {}"},
    "net-tcp-security": {
        "web.config": model(
            "<services><service name='s'><endpoint binding='netTcpBinding'/></service></services>",
            ENOUGH_MEMORY,
        )
    },
    "ws-http-security": {
        "web.config": model(
            "<services><service name='s'><endpoint binding='wsHttpBinding'/></service></services>",
            ENOUGH_MEMORY,
        )
    },
    "windows-credentials": {
        "web.config": model(
            "<services><service name='s'><endpoint binding='basicHttpBinding'/></service></services>",
            "<bindings><basicHttpBinding><binding><security mode='TransportCredentialOnly'><transport "
            "clientCredentialType='Windows'/>"
            "</security></binding></basicHttpBinding></bindings>",
            ENOUGH_MEMORY,
        )
    },
    "wcf-sessions": {"web.config": DUAL},
    "metadata-address": {
        "web.config": model(
            "<behaviors><serviceBehaviors><behavior><serviceMetadata "
            "httpGetEnabled='true'/></behavior></serviceBehaviors></behaviors>"
        )
    },
    "memory-gate": {"web.config": config(), "a.svc": ""},
}


@pytest.mark.parametrize("name", WARNED)
def test_what_may_fail_is_warned_of_by_name(name):
    assert names(findings(WARNED[name])) == [name]


def test_the_old_sections_with_a_new_target_are_of_a_site_that_was_moved_on():
    sections = "<configSections><sectionGroup name='system.web.extensions' type='t'/></configSections>"
    assert "dotnet-35" not in names(
        findings(
            {"web.config": config(sections, "<system.web><compilation targetFramework='4.8'/></system.web>")}
        )
    )


def test_classic_tls_and_metadata_are_settled_by_their_options():
    assert names(findings(MISSING["classic-pipeline"], classic=True)) == []
    assert "https-binding" not in names(findings(MISSING["https-binding"], tls=True))
    assert names(findings(WARNED["metadata-address"], metadata_from_host=True)) == []


def test_a_wcf_site_gets_the_base_that_can_activate_it_and_net_tcp_works_there():
    found = findings(WARNED["net-tcp-security"])
    assert "wcf-tcp" not in names(found)
    wanted = Wanted(base="mcr.microsoft.com/dotnet/framework/aspnet:4.8-windowsservercore-ltsc2019")
    assert "wcf-tcp" in names(findings(WARNED["net-tcp-security"], wanted=wanted), Level.REFUSED)


def test_an_ignored_refusal_is_a_warning_that_says_so():
    (found,) = [
        one
        for one in findings(MISSING["iis-rewrite"], ignored=frozenset({"iis-rewrite"}))
        if one.name == "iis-rewrite"
    ]
    assert found.level is Level.WARNED
    assert "(ignored)" in found.what
