"""The smoke test: every path, and which hop is to blame."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from microcosm.errors import OperatorError, UsageError
from microcosm.smoke import command as smoke_command
from microcosm.smoke import report as smoke_report
from microcosm.smoke import test as smoke
from microcosm.smoke.ccauth_checks import RULES
from microcosm.smoke.cluster_view import ClusterView, view
from microcosm.smoke.paths import Origin
from microcosm.smoke.probe import Answer, Failure, Request, Runner
from microcosm.smoke.test import Result, Smoke, Verdict
from tests.support.clusters import CONTROL_PLANE, STAND_IN, Cluster, endpoint, node, pod

PAGE_URL = "http://198.51.100.7:30080"
PAGE = Answer(status=200, body="<!doctype html><html lang=en>")
CODE = Answer(status=200, body='"Auth Code: 6868"')
SILENCE = Answer(failure=Failure.TIMEOUT)
PATHS = [
    "Linux pod -> Windows pod",
    "Linux pod -> Windows Service",
    "Windows pod -> Linux pod",
    "Windows pod -> Linux Service",
    "DNS by FQDN",
    "NodePort from outside",
    "page -> CCAuth",
]


def ccauth(url: str) -> Answer:
    """CCAuth's contract, written a second time: the table is checked against it."""
    query = parse_qs(urlsplit(url).query)
    card, amount = query.get("ccNum", [""])[0], query.get("amount", [""])[0]
    try:
        number, money = int(card), float(amount)
    except ValueError:
        return Answer(status=400, body='"no"')
    if number >= 2**64:
        return Answer(status=400, body='"no"')
    return Answer(status=200, body='"Declined"') if number % 10 == 9 or money >= 1000 else CODE


class Traffic:
    """A network in which the given requests fail and all others succeed."""

    def __init__(self, **broken: Answer) -> None:
        self.broken = broken

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Answer:
        key = next((key for key in self.broken if ADDRESSES[key] in request.target), None)
        if key:
            return self.broken[key]
        if request.dns:
            return Answer(body="10.96.2.2")
        return ccauth(request.target) if "authorize" in request.target else PAGE


ADDRESSES = {
    "ccauth_pod": "10.244.2.3",
    "ccauth_service": "10.96.2.2",
    "page_pod": "10.244.1.5",
    "page_service": "10.96.1.1",
    "name": "svc.cluster.local",
    "node_port": f"{PAGE_URL}/",
    "api": "/api/",
}


def send_all(seen: ClusterView | None = None, windows: bool = True, **broken: Answer) -> Smoke:
    """The results in a cluster in which these addresses answer as given."""
    runner = Traffic(**broken)
    runners: dict[Origin, Runner] = {Origin.LINUX_POD: runner, Origin.OUTSIDE: runner}
    if windows:
        runners[Origin.WINDOWS_POD] = runner
    return smoke.run(seen or view(Cluster()), PAGE_URL, runners)


def by_name(result: Smoke) -> Mapping[str, Result]:
    return {item.name: item for item in result.results}


def test_a_healthy_cluster_passes_every_path_and_rule() -> None:
    """Seven paths, then the table of rules, all sent and all answered."""
    result = send_all()
    assert [item.name for item in result.results] == [*PATHS, *(rule.name for rule in RULES)]
    assert {item.verdict for item in result.results} == {Verdict.OK}
    assert result.ok


@pytest.mark.parametrize(
    ("broken", "path", "hop"),
    [
        ({"ccauth_pod": SILENCE}, PATHS[0], "the overlay from linux-0 to windows-0: VXLAN over UDP 4789"),
        (
            {"ccauth_pod": Answer(failure=Failure.REFUSED)},
            PATHS[0],
            "the web server in pod ccauth-1: nothing listens on 10.244.2.3:80",
        ),
        ({"ccauth_pod": Answer(status=500)}, PATHS[0], "CCAuth itself, in pod ccauth-1 on windows-0"),
        (
            {"ccauth_pod": SILENCE, "ccauth_service": SILENCE},
            PATHS[1],
            "Linux pod -> Windows pod, already broken: the overlay",
        ),
        (
            {"ccauth_service": SILENCE},
            PATHS[1],
            "kube-proxy on linux-0: 10.96.2.2 does not lead to 10.244.2.3:80",
        ),
        (
            {"page_pod": SILENCE},
            PATHS[2],
            "the overlay from windows-0 to linux-0: HNS and Flannel on windows-0",
        ),
        ({"page_service": SILENCE}, PATHS[3], "kube-proxy on windows-0: 10.96.1.1 does not lead to"),
        (
            {"name": Answer(failure=Failure.NO_NAME)},
            PATHS[4],
            "CoreDNS: it does not know ccauth.microcosm.svc.cluster.local",
        ),
        ({"name": Answer(body="10.96.9.9")}, PATHS[4], "CoreDNS: it does not know"),
        ({"name": SILENCE}, PATHS[4], "the way from a pod to CoreDNS"),
        ({"node_port": SILENCE}, PATHS[5], "adminCidrs in the security group, or the Elastic IP"),
        (
            {"node_port": Answer(failure=Failure.REFUSED)},
            PATHS[5],
            "kube-proxy on the control plane: NodePort 30080 is not open",
        ),
        ({"node_port": Answer(status=404)}, PATHS[5], "nginx in pod widgets-1 on linux-0"),
        ({"api": Answer(status=502)}, PATHS[6], "nginx's proxying in pod widgets-1 on linux-0"),
        ({"api": Answer(status=502), "name": SILENCE}, PATHS[6], "DNS by FQDN, already broken"),
        (
            {"api": Answer(status=504), "ccauth_service": SILENCE},
            PATHS[6],
            "Linux pod -> Windows Service, already broken: kube-proxy on linux-0",
        ),
    ],
)
def test_the_broken_hop_is_named(broken: dict[str, Answer], path: str, hop: str) -> None:
    """The nearest hop to the fault, not the last one to notice it."""
    result = send_all(**broken)
    assert not result.ok
    assert by_name(result)[path].broken_hop.startswith(hop) or hop in by_name(result)[path].broken_hop


def test_a_path_that_only_looks_alive_fails() -> None:
    """An answer from the wrong server is no pass: a page instead of a code, a code instead of a page."""
    assert by_name(send_all(ccauth_pod=PAGE))[PATHS[0]].verdict is Verdict.FAIL
    assert by_name(send_all(page_service=CODE))[PATHS[3]].verdict is Verdict.FAIL


def test_no_dns_pod_is_said_to_be_why() -> None:
    """Not ready is more than unreachable."""
    cluster = Cluster()
    cluster.slices["kube-system"] = []
    assert (
        by_name(send_all(view(cluster), name=SILENCE))[PATHS[4]].broken_hop
        == "CoreDNS: none of its pods is ready"
    )


def test_what_a_stand_in_answers_is_marked_and_what_it_cannot_send_is_not_run() -> None:
    """The Windows paths never pass without Windows; the rest does not fail for it."""
    seen = view(Cluster(node_list=[CONTROL_PLANE, node("linux-0"), STAND_IN]))
    result = send_all(seen, windows=False)
    found = by_name(result)
    assert [found[name].verdict for name in PATHS[2:4]] == [Verdict.NOT_RUN, Verdict.NOT_RUN]
    assert all(found[name].stand_in for name in [*PATHS[:4], PATHS[6]])
    assert not any(found[name].stand_in for name in PATHS[4:6])
    assert result.ok
    assert "prove nothing about Windows" in smoke_report.summary(result)


def test_a_place_that_cannot_send_is_the_broken_hop_and_the_others_are_tried() -> None:
    """A probe pod that is not admitted says nothing about the overlay."""

    class Mute:
        def run(self, requests: Sequence[Request]) -> list[Answer]:
            raise OperatorError("the probe pod cannot be created")

    runner = Traffic()
    result = smoke.run(
        view(Cluster()),
        PAGE_URL,
        {Origin.LINUX_POD: Mute(), Origin.WINDOWS_POD: runner, Origin.OUTSIDE: runner},
    )
    found = by_name(result)
    assert found[PATHS[0]].broken_hop == "the origin, a Linux pod: the probe pod cannot be created"
    assert [found[name].verdict for name in PATHS[2:4]] == [Verdict.OK, Verdict.OK]


def test_a_workload_that_is_not_there_is_the_only_finding() -> None:
    """No traffic is sent to what does not exist; what it waits for is named."""
    cluster = Cluster(pod_list=[pod("ccauth", "windows-0", "ImagePullBackOff")])
    cluster.slices["microcosm"][1] = endpoint("ccauth", "10.244.2.3", 80, "windows-0", ready=False)
    (only,) = send_all(view(cluster)).results
    assert (only.name, only.verdict) == ("ccauth", Verdict.FAIL)
    assert "ImagePullBackOff" in only.broken_hop


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "wrong",
    [
        CODE,
        Answer(status=200, body='"Declined"'),
        Answer(status=400),
        Answer(status=500),
        SILENCE,
        Answer(status=200, body="x"),
    ],
)
def test_each_rule_accepts_what_the_contract_says_and_nothing_else(rule: Any, wrong: Answer) -> None:
    """Every other kind of answer fails it."""
    right = ccauth(rule.request(PAGE_URL).target)
    assert rule.accepts(right)
    same_kind = (wrong.status, wrong.body[:5]) == (right.status, right.body[:5]) or (
        wrong.status == right.status == 400
    )
    assert rule.accepts(wrong) is same_kind


def test_a_service_that_died_of_malformed_input_is_noticed() -> None:
    """The last rule asks again what the first one asked."""

    class Fragile(Traffic):
        def answer(self, request: Request) -> Answer:
            if "abc" in request.target:
                self.broken["api"] = Answer(status=502)
            return super().answer(request)

    runner = Fragile()
    result = smoke.run(view(Cluster()), PAGE_URL, dict.fromkeys(Origin, runner))
    assert by_name(result)["a good card"].verdict is Verdict.OK
    assert by_name(result)["still alive afterwards"].verdict is Verdict.FAIL
    assert not result.ok


def test_the_report_names_the_hop_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Readers may read the end only."""
    smoke_report.show(send_all(ccauth_service=SILENCE, api=Answer(status=504)))
    shown = capsys.readouterr().out
    assert (
        "! Linux pod -> Windows Service: wanted an authorization code, got timed out. Broken hop: "
        "kube-proxy on linux-0" in shown
    )
    assert shown.splitlines()[-1] == "5 pass, 2 fail, 10 not run"


def test_the_runners_suit_the_cluster() -> None:
    """PowerShell is run on a real Windows node only."""
    real, stand_in = view(Cluster()), view(Cluster(node_list=[CONTROL_PLANE, node("linux-0"), STAND_IN]))
    kube: Any = object()
    assert set(smoke_command.runners(kube, real, None)) == set(Origin)
    assert set(smoke_command.runners(kube, stand_in, None)) == {Origin.LINUX_POD, Origin.OUTSIDE}
    assert smoke_command.runners(kube, stand_in, Traffic())[Origin.WINDOWS_POD]


def test_a_page_url_must_be_one() -> None:
    """Refused before anything is asked of a cluster."""
    with pytest.raises(UsageError, match="--page-url is 'file:///etc/passwd'"):
        smoke_command.run("dev", "eu-west-1", None, "file:///etc/passwd")
