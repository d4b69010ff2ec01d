"""Secrets that would be in the image, wherever they stand. Row C9; no value is ever shown."""

import json

import pytest

from microcosm.image import report
from tests.support.services import CANARY, config, findings, names, subject, web

FORMS = (
    "<authentication mode='Forms'><forms><credentials "
    "passwordFormat='Clear'>{}</credentials></forms></authentication>"
)
WRITTEN = {
    "a user of forms authentication": (
        {"web.config": web(FORMS.format(f"<user name='a' password='{CANARY}'/>"))},
        "password-in-image",
    ),
    "an attribute of another library": (
        {"web.config": config(f"<rabbitMq host='bus' password='{CANARY}'/>")},
        "secret-in-image",
    ),
    "a value of applicationSettings": (
        {
            "web.config": config(
                "<applicationSettings><Shop.Settings><setting name='SmtpPassword' serializeAs='String'>"
                f"<value>{CANARY}</value></setting></Shop.Settings></applicationSettings>"
            )
        },
        "secret-in-image",
    ),
    "a parameter by its name": (
        {"web.config": config(f"<elmah><param name='ApiKey' value='{CANARY}'/></elmah>")},
        "secret-in-image",
    ),
    "a connection string in JSON": (
        {
            "web.config": config(),
            "appsettings.json": json.dumps({"ConnectionStrings": {"Main": f"Server=db;Password={CANARY}"}}),
        },
        "password-in-image",
    ),
    "a key in JSON with a byte order mark": (
        {
            "web.config": config(),
            "bin/appsettings.Production.json": "\ufeff" + json.dumps({"Mail": {"ApiKey": CANARY}}),
        },
        "secret-in-image",
    ),
    "a target of NLog's own file": (
        {
            "web.config": config(),
            "NLog.config": f"<nlog><targets><target "
            f"connectionString='Server=db;Password={CANARY}'/></targets></nlog>",
        },
        "password-in-image",
    ),
    "a private key": ({"web.config": config(), "certificates/site.pfx": CANARY}, "secret-in-image"),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_secret_is_found_by_its_place_and_never_shown(case):
    files, name = WRITTEN[case]
    found = findings(files)
    assert names(found) == [name]
    shown = json.dumps(report.document(report.facts(subject(files)), found)) + repr(found)
    assert CANARY not in shown


@pytest.mark.parametrize(
    "files",
    [
        {"web.config": config("<rabbitMq host='bus' password=''/>")},
        {"web.config": config("<rabbitMq host='bus' password='#{BusPassword}'/>")},
        {
            "web.config": config(
                "<runtime><assemblyIdentity name='Newtonsoft.Json' "
                "publicKeyToken='30ad4fe6b2a6aeed'/></runtime>"
            )
        },
        {
            "web.config": web(
                "<membership><providers><add name='p' type='t' enablePasswordReset='true' "
                "minRequiredPasswordLength='6' passwordFormat='Hashed'/></providers></membership>"
            )
        },
        {"web.config": config(), "appsettings.json": "{ // no JSON"},
        {"web.config": config(), "appsettings.json": '{"Mail": {"ApiKey": ""}, "Home": "https://a/"}'},
        {"web.config": config(), "package.json": '{"password": "abc"}'},
    ],
)
def test_what_only_looks_like_a_secret_is_not_one(files):
    assert names(findings(files)) == []
