"""Assemblies that configurations name. Row I12."""

import pytest

from microcosm.image.findings import Level
from tests.support.services import assembly, config, findings, names, server, web

SITE = assembly("bin/site.dll")
MODULE = "<modules><add name='m' type='{}'/></modules>"


def provided(provider):
    entry = f"<add name='Main' connectionString='Data Source=db' providerName='{provider}'/>"
    return config(f"<connectionStrings>{entry}</connectionStrings>")


MISSING = {
    "a module": server(MODULE.format("Firm.Module, Firm.Web")),
    "a module of the old section, not validated": config(
        "<system.web><httpModules><add name='m' type='Firm.Module, Firm.Web, "
        "Version=1.0.0.0'/></httpModules></system.web>",
        "<system.webServer><validation validateIntegratedModeConfiguration='false'/></system.webServer>",
    ),
    "a section": config(
        "<configSections><section name='s' type='Firm.Section,Firm.Config'/></configSections>"
    ),
    "a provider of roles": web(
        "<roleManager><providers><add name='p' type='Firm.Roles, Firm.Web'/></providers></roleManager>"
    ),
    "a provider of a database": provided("MySql.Data.MySqlClient"),
}


@pytest.mark.parametrize("case", MISSING)
def test_an_assembly_that_a_configuration_names_and_nothing_brings_is_warned_of(case):
    assert names(findings({"web.config": MISSING[case]}, SITE)) == ["gac-reference"]


def test_a_client_that_must_be_installed_is_refused():
    found = findings({"web.config": provided("Oracle.DataAccess.Client")}, SITE)
    assert names(found, Level.REFUSED) == ["gac-reference"]


THERE = {
    "in bin": (server(MODULE.format("Firm.Module, Firm.Web")), assembly("bin/Firm.Web.dll")),
    "of the framework": (
        server(MODULE.format("System.Web.Security.FormsAuthenticationModule, System.Web")),
        SITE,
    ),
    "no assembly": (server(MODULE.format("Firm.Module")), SITE),
    "of App_Code": (server(MODULE.format("Firm.Module, App_Code")), SITE),
    "the framework's own provider": (provided("System.Data.SqlClient"), SITE),
}


@pytest.mark.parametrize("case", THERE)
def test_one_that_is_there_is_not(case):
    text, library = THERE[case]
    assert names(findings({"web.config": text}, library)) == []
