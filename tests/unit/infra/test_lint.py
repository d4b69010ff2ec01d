"""The Windows rules: each finds what it is for and lets its near miss pass; Services, lists and findings
around them.
"""

from pathlib import Path

import pytest

from infra.lint import RULES, Document, Severity, check, check_documents, markdown
from infra.lint.values import quantity, scaled

from .lint_cases import changed, container, deployment, found, rolling, rules, service, spec
from .lint_rule_cases import CASES

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("rule", "bad"), [case[:2] for case in CASES], ids=[case[0] for case in CASES])
def test_a_rule_finds_what_it_is_for(rule, bad):
    assert rule in rules(bad)


@pytest.mark.parametrize(
    ("rule", "good"), [(case[0], case[2]) for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_rule_lets_its_near_miss_pass(rule, good):
    assert rule not in rules(good)


def test_every_rule_has_a_case():
    assert [case[0] for case in CASES] == list(dict.fromkeys(case[0] for case in CASES))
    assert {case[0] for case in CASES} == {rule.id for rule in RULES}


def test_a_good_deployment_has_no_finding():
    assert found([deployment(), service()]) == []


def test_rules_have_ids_of_their_own_and_pages_to_read():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.page.startswith("https://"), rule.id
        assert rule.what, rule.id
        assert "|" not in rule.what + rule.why + rule.fix, f"{rule.id}: would break the Markdown table"


def test_a_finding_says_where_what_why_and_what_to_do():
    object_ = changed(lambda it: it.pop("tolerations"))
    object_["metadata"]["namespace"] = "shop"
    (finding,) = check_documents(
        [Document(object=object_, source="shop.yaml", index=3, line=41)], windows_build=None
    )
    assert (finding.object, finding.source, finding.document, finding.line) == (
        "Deployment shop/web",
        "shop.yaml",
        3,
        41,
    )
    assert finding.severity is Severity.ERROR
    assert str(finding) == (
        "shop.yaml:41: Deployment shop/web: nothing tolerates the taint os=windows:NoSchedule [toleration]. "
        "Windows nodes are tainted so "
        "that Linux pods stay away; a pod without the toleration stays Pending. Fix: tolerations: [{key: "
        "os, operator: Equal, value: "
        "windows, effect: NoSchedule}] See "
        "https://kubernetes.io/docs/concepts/windows/user-guide/#taints-and-tolerations"
    )


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", []),
        ("StatefulSet", ["spec", "template"]),
        ("Job", ["spec", "template"]),
        ("CronJob", ["spec", "jobTemplate", "spec", "template"]),
    ],
)
def test_every_workload_kind_is_looked_into(kind, path):
    template = changed(lambda it: it.update(hostNetwork=True))["spec"]["template"]
    for key in reversed(path):
        template = {key: template}
    assert rules({**template, "kind": kind}) == {"host-network"}


@pytest.mark.parametrize("kind", ["List", "DeploymentList"])
def test_a_list_is_its_items_and_a_typed_one_gives_them_their_kind(kind):
    item = spec(hostNetwork=True)
    if kind != "List":
        del item["kind"]
    (finding,) = found({"kind": kind, "items": [item, None]})
    assert finding.object == "Deployment default/web"


def test_a_list_in_a_list_is_looked_into_and_a_typed_one_gives_its_version_too():
    inner = {"kind": "List", "apiVersion": "v1", "items": [spec(hostNetwork=True)]}
    assert rules({"kind": "List", "items": [inner]}) == {"host-network"}
    knative = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ipFamilies": ["IPv6"]}}
    listed = {"kind": "ServiceList", "apiVersion": "serving.knative.dev/v1", "items": [knative]}
    assert rules([deployment(), listed]) == set(), "a Service of Knative is another thing"
    assert rules([deployment(), listed | {"apiVersion": "v1"}]) == {"ipv6"}


def test_backends_of_one_service_are_added_up():
    first, second = deployment(), deployment()
    second["metadata"]["name"] = "more"
    first["spec"]["replicas"], second["spec"]["replicas"] = 60, 5
    (finding,) = found([first, second, service()])
    assert (finding.kind, finding.rule) == ("Service", "service-backends-2019")


def test_half_a_name_of_a_service_of_the_set_is_known():
    assert "dotted-name" in rules(
        [container(env=[{"name": "URL", "value": "http://web.default:80/"}]), service()]
    )
    assert (
        rules(
            [container(env=[{"name": "URL", "value": "http://web.example.com/ of web.defaults"}]), service()]
        )
        == set()
    )


def test_a_rolling_update_with_pods_to_spare_is_not_blocked():
    assert "host-port-rollout" not in rules(rolling(4)), "25% of 4: one old pod goes first"
    assert "host-port-rollout" in rules(rolling(3))


def test_an_unknown_build_is_refused_with_those_that_are_known():
    with pytest.raises(
        ValueError, match=r"'10\.0\.14393' is not known; known are 10\.0\.17763, 10\.0\.20348, 10\.0\.26100"
    ):
        check([], windows_build="10.0.14393")


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("500m", "0.5"),
        ("1Gi", "1073741824"),
        ("1E", "1E18"),
        ("1e3", "1000"),
        (2, "2"),
        ("9Ei9", None),
        ("", None),
        (True, None),
    ],
)
def test_quantities_are_read_as_kubernetes_reads_them(value, amount):
    assert quantity(value) == (None if amount is None else quantity(1) * type(quantity(1))(amount))


@pytest.mark.parametrize(
    ("value", "up", "expected"),
    [("25%", True, 1), ("25%", False, 0), (2, True, 2), ("x", True, 1), (None, False, 0)],
)
def test_shares_are_rounded_as_kubernetes_rounds_them(value, up, expected):
    assert scaled(value, 3, round_up=up, default="25%") == expected


def test_the_documented_table_is_the_one_in_the_code():
    document = (ROOT / "docs" / "guide" / "windows-rules.md").read_text()
    assert markdown() in document, "renew it with: python -m microcosm.lint.command --rules"
