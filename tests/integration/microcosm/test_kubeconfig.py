"""The kubeconfig: from the rendezvous, into a user's own, and out of it again."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from microcosm.errors import OperatorError, UsageError
from microcosm.kubeconfig import document as kubeconfig

from .conftest import TARGET, Cloud

NAME = "microcosm-dev"


def published(server: str = "https://198.51.100.7:6443") -> dict[str, Any]:
    """A kubeconfig as kubeadm names its parts."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "kubernetes", "cluster": {"server": server, "certificate-authority-data": "Q0E="}}
        ],
        "users": [
            {
                "name": "kubernetes-admin",
                "user": {"client-certificate-data": "Q1JU", "client-key-data": "S0VZ"},
            }
        ],
        "contexts": [
            {"name": "admin@kubernetes", "context": {"cluster": "kubernetes", "user": "kubernetes-admin"}}
        ],
        "current-context": "admin@kubernetes",
    }


def rendezvous(instance: str, config: Any = None) -> str:
    return json.dumps({"instance": instance, "kubeconfig": yaml.safe_dump(config or published())})


OURS = kubeconfig.renamed(published(), NAME)
NAMES = st.sampled_from(["kind-kind", "prod", "minikube", "odd: name", "ärger", ""])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["2020-01-01T00:00:00Z", "yes", "0o7"])
)


def entries(content: str) -> st.SearchStrategy[Any]:
    entry = st.fixed_dictionaries(
        {"name": NAMES, content: st.dictionaries(st.text(max_size=5), VALUES, max_size=3)}
    )
    return st.none() | st.lists(entry, max_size=3)


@st.composite
def users_configs(draw: st.DrawFn) -> dict[str, Any]:
    """Any kubeconfig that a user may have, odd parts included."""
    sections = {
        section: draw(entries(content))
        for section, content in kubeconfig.SECTIONS.items()
        if draw(st.booleans())
    }
    current = {"current-context": draw(NAMES)} if draw(st.booleans()) else {}
    extra = draw(st.dictionaries(st.sampled_from(["preferences", "extensions"]), st.just({"x": 1})))
    return {"apiVersion": "v1", "kind": "Config", **sections, **current, **extra}


def meaning(config: dict[str, Any]) -> dict[str, Any]:
    """A kubeconfig without the difference between an absent, an empty and a null part."""
    return {key: value for key, value in config.items() if value not in (None, [], "")}


@settings(max_examples=60, deadline=None)
@given(users_configs(), st.booleans())
def test_removing_undoes_merging(config: dict[str, Any], use: bool) -> None:
    """Everything but a current context that was ours is as it was before."""
    merged = kubeconfig.merge(config, OURS, use)
    left = meaning(kubeconfig.remove(merged, NAME))
    before = meaning(config)
    if use:
        before.pop("current-context", None)
    assert left == before


@settings(max_examples=60, deadline=None)
@given(users_configs(), st.booleans())
def test_merging_adds_ours_alone_and_twice_is_once(config: dict[str, Any], use: bool) -> None:
    """Other entries keep their content and their order."""
    merged = kubeconfig.merge(config, OURS, use)
    for section in kubeconfig.SECTIONS:
        assert [entry for entry in merged[section] if entry["name"] != NAME] == (config.get(section) or [])
        assert [entry for entry in merged[section] if entry["name"] == NAME] == OURS[section]
    assert kubeconfig.merge(merged, OURS, use) == merged


def test_a_merge_does_not_move_the_user_to_another_cluster() -> None:
    """Unless asked to, or when no context is current at all."""
    assert kubeconfig.merge({"current-context": "prod"}, OURS, use=False)["current-context"] == "prod"
    assert kubeconfig.merge({"current-context": "prod"}, OURS, use=True)["current-context"] == NAME
    assert kubeconfig.merge({}, OURS, use=False)["current-context"] == NAME


def test_a_removed_current_context_leaves_none_rather_than_another() -> None:
    """The next kubectl must not reach a cluster that the user did not choose."""
    merged = kubeconfig.merge(
        {"contexts": [{"name": "prod", "context": {}}], "current-context": "prod"}, OURS, use=True
    )
    assert kubeconfig.remove(merged, NAME)["current-context"] == ""


def test_the_entries_are_named_after_the_stack() -> None:
    """kubeadm gives every cluster the same names: two stacks would overwrite each other."""
    assert [OURS[section][0]["name"] for section in kubeconfig.SECTIONS] == [NAME] * 3
    assert OURS["contexts"][0]["context"] == {"cluster": NAME, "user": NAME}
    assert OURS["clusters"][0]["cluster"] == published()["clusters"][0]["cluster"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("pending", "has not published its kubeconfig yet"),
        (rendezvous("i-old"), "is of i-old, an earlier control plane; i-new has not published"),
        ("{}", "is not a control plane's document"),
        ('{"instance": "i-new", "kubeconfig": "{"}', "is not a control plane's document"),
        (rendezvous("i-new", published() | {"clusters": []}), "is not a control plane's document"),
        (rendezvous("i-new", published() | {"users": [{"user": {}}]}), "is not a control plane's document"),
        ("\x00", "is not a control plane's document"),
    ],
)
def test_only_what_this_control_plane_wrote_is_believed(value: str, message: str) -> None:
    """Anything else says what it is and where to look, and never shows what it holds."""
    with pytest.raises(OperatorError, match=message) as raised:
        kubeconfig.parse_published(value, "i-new", "dev")
    assert "microcosm timeline --stack dev" in str(raised.value)
    assert "S0VZ" not in str(raised.value)


def test_the_living_control_planes_kubeconfig_is_fetched(cloud: Cloud) -> None:
    """From the parameter, checked against the instance, renamed."""
    instance = cloud.machine("control-plane")
    with pytest.raises(OperatorError, match="/microcosm/dev/kubeconfig does not exist"):
        kubeconfig.fetch(cloud.session, TARGET)
    cloud.client("ssm").put_parameter(
        Name="/microcosm/dev/kubeconfig", Value=rendezvous(instance), Type="SecureString"
    )
    assert kubeconfig.fetch(cloud.session, TARGET) == OURS


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://198.51.100.7:6443", "198.51.100.7"),
        ("https://[2001:db8::1]:6443", "2001:db8::1"),
        ("https://api.example/", "api.example"),
    ],
)
def test_the_host_of_the_api_is_where_the_node_ports_are(server: str, host: str) -> None:
    """Without scheme, port and brackets."""
    assert kubeconfig.server_host(published(server)) == host


@pytest.mark.parametrize(
    "document", [[], "text", {"clusters": {}}, {"users": [1]}, {"contexts": [{"context": {}}]}]
)
def test_a_file_that_is_no_kubeconfig_is_left_alone(document: Any) -> None:
    """Editing what is not understood would lose it."""
    with pytest.raises(UsageError, match="nothing was changed"):
        kubeconfig.check(document, "~/.kube/config")
