"""Set values that look like code in every field of a user: each is refused in a plain sentence or stays a
value.

test_hostile_shell.py runs them in bash. PowerShell does not run here: its grammar proves that each is one
literal, and the rules of the literal return the value.
"""

import json
import re

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.config import model as config
from infra.config import naming
from infra.errors import ConfigError
from infra.node import script_inputs, userdata
from infra.script_bucket import StagedScript
from microcosm.errors import UsageError
from microcosm.preview import model as preview
from microcosm.pulumi_cli import target
from rehearsal.windows_node.powershell import assignments, script_of
from tests.support import hostile
from tests.support.config_cases import ADMINS, LINUX, WINDOWS

SCRIPT = StagedScript(bucket="b", key="k", sha256="0" * 64)
# libyaml's loader is fast, and another implementation than the writer's.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TEXTS = (
    st.sampled_from(hostile.ALL)
    | st.text(max_size=30)
    | st.lists(st.sampled_from(hostile.ALL), min_size=2, max_size=3).map("".join)
)


# --- every field


def in_pools(**changes):
    return (
        {"nodePools": [LINUX | changes, WINDOWS | changes | {"name": "w"}]}
        if "name" not in changes
        else {"nodePools": [LINUX | changes, WINDOWS]}
    )


# The places of a text: each key of Pulumi.yaml and each nested field.
PLACES = {
    **{
        f"pool {key}": (lambda text, key=key: in_pools(**{key: text}))
        for key in ("name", "os", "count", "instanceType", "diskSizeGb")
    },
    "pool label key": lambda text: in_pools(labels={text: "x"}),
    "pool label value": lambda text: in_pools(labels={"x": text}),
    "pool labels": lambda text: in_pools(labels=text),
    "pool taint": lambda text: in_pools(taints=[text]),
    "pool taint value": lambda text: in_pools(taints=[f"k={text}:NoSchedule"]),
    "pool key": lambda text: in_pools(**{text or "x": "x"}),
    "controlPlane type": lambda text: {"controlPlane": {"instanceType": text}},
    "unknown key": lambda text: {f"x{text}": "x"},
}
LISTS = ("adminCidrs", "availabilityZones", "ignorePreflightErrors")
PLAIN = (
    "allowPublicAdmin artifactMirror bom controlPlane expiresAt flannelBackend keyName kmsKeyId "
    "kubernetesVersion nodePools owner "
    "permissionsBoundary "
    "podCidr readyTimeoutMinutes registryMirror serviceCidr vpcCidr workloads"
)
PLACES |= {key: (lambda text, key=key: {key: text}) for key in PLAIN.split()}
PLACES |= {key: (lambda text, key=key: {key: [text]}) for key in LISTS}


def test_no_field_is_forgotten():
    """A new key in Pulumi.yaml must be added to the tables above."""
    schema = yaml.safe_load((config.PROJECT / "Pulumi.yaml").read_text())["config"]
    assert {*PLAIN.split(), *LISTS} == set(schema)


def parsed(changes) -> tuple[config.StackConfig | None, tuple[str, ...]]:
    try:
        return config.parse(ADMINS | changes, stack="dev"), ()
    except ConfigError as refusal:
        return None, refusal.problems


def user_data_of(stack: config.StackConfig) -> dict[str, str]:
    """Return the user-data of all machines of a stack."""
    texts = {
        "control-plane": script_inputs.control_plane(stack, region="eu-west-1", public_ip="198.51.100.7")
    }
    for pool in stack.node_pools:
        script = SCRIPT if pool.os.family == "windows" else None
        texts[pool.name] = script_inputs.worker(
            stack, pool, f"{pool.name}-0", region="eu-west-1", control_plane_id="i-1", script=script
        )
    return texts


# --thorough tries every value in every place; otherwise every fifth, starting with another one in each place.
STEP = 1 if settings.default.max_examples > 50 else 5


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_text_is_refused_in_plain_sentences_or_stays_a_text(place):
    """No traceback, no sentence over two lines, no PowerShell but the product's own."""
    for text in hostile.ALL[[*PLACES].index(place) % STEP :: STEP]:
        stack, problems = parsed(PLACES[place](text))
        assert all(problem.isprintable() and len(problem) < 1000 for problem in problems), text
        # Values that reach only a tag or a number of AWS need one test: the user-data does not contain them.
        windows = (
            [user_data for user_data in user_data_of(stack).values() if user_data.startswith("<powershell>")]
            if stack and place != "keyName"
            else []
        )
        for user_data in windows:
            assert user_data.count("</powershell>") == 1
            # Only the product's own script stands behind the literals (tests/windows/rules.Tests.ps1 asks
            # PowerShell itself).
            assert userdata.windows(assignments(script_of(user_data))) == user_data


@given(TEXTS)
def test_a_stack_of_any_name_is_built_or_refused_in_a_sentence(text):
    assert (naming.stack_name_problem(text) is None) == bool(
        re.fullmatch(
            r"(?!sg-|sg\Z|xn--|xn-\Z|sthree(-|\Z)|amzn-s3-demo(-|\Z))[a-z][a-z0-9-]{0,30}[a-z0-9]", text
        )
    )
    wrong = sentence(target.resolve, text or "-", "eu-west-1")
    assert wrong is None or (wrong.isprintable() and len(wrong) < 500)


# --- PowerShell


ASCII = st.sampled_from(
    [
        text
        for text in hostile.ALL
        if text.isascii() and "\0" not in text and "<" not in text and len(text) < 1000
    ]
) | st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=40).filter(
    lambda text: not re.search(r"</?(powershell|script|persist|detach|runas)", text, re.IGNORECASE)
)


@given(st.lists(ASCII, min_size=1, max_size=4), st.dictionaries(ASCII, ASCII, max_size=2))
@example(["'", "''", "'@\n", '"@', "`'", "$('')", "\n#'"], {"'": "'"})
def test_every_value_is_one_literal_of_powershell_that_holds_just_it(values, table):
    given_ = {f"Input{number}": value for number, value in enumerate(values)} | {
        "List": values,
        "Table": table,
    }
    user_data = userdata.windows(given_)
    assert assignments(script_of(user_data)) == given_
    assert userdata.windows(assignments(script_of(user_data))) == user_data


@pytest.mark.parametrize(
    "text", ["</powershell>", "a<Persist>false", "<script>", "\0", "gr\u00fc\u00df", "\u2019"]
)
def test_what_windows_would_read_before_the_quotes_is_refused(text):
    """EC2Launch finds its tags by their text; Windows PowerShell reads bytes as ANSI."""
    with pytest.raises(
        ConfigError,
        match=r"\$NodeName of the Windows user-data holds .* which EC2Launch or PowerShell would read "
        r"otherwise",
    ):
        userdata.windows({"NodeName": f"x{text}y"})


# --- YAML


YAML_TEXTS = st.sampled_from(
    [text for text in hostile.ALL if "\0" not in text and len(text) < 1000]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(YAML_TEXTS, YAML_TEXTS, st.lists(YAML_TEXTS, max_size=2), st.sampled_from(["linux", "windows"]))
def test_a_join_document_holds_what_it_was_given_and_nothing_more(key, value, checks, family):
    """A YAML loader reads the values back; every text is quoted, so that YAML 1.1's booleans and numbers
    stay texts.
    """
    document = userdata.kubeadm_join(
        node_name=value,
        family=family,
        labels={key: value},
        taints=[f"{key}={value}:NoExecute"] if "=" not in key else [],
        ignore_preflight_errors=checks,
    )
    (join,) = yaml.load_all(document, LOADER)
    registration = join["nodeRegistration"]
    assert registration["name"] == value
    assert registration["kubeletExtraArgs"] == [{"name": "node-labels", "value": f"{key}={value}"}]
    assert registration["ignorePreflightErrors"] == checks
    own = [{"key": "os", "value": "windows", "effect": "NoSchedule"}] if family == "windows" else []
    assert registration["taints"] == own + (
        [{"key": key, "value": value, "effect": "NoExecute"}] if "=" not in key else []
    )
    assert join.keys() == {"apiVersion", "kind", "discovery", "nodeRegistration", "timeouts"}
    assert [
        token for token in yaml.scan(document, LOADER) if isinstance(token, yaml.ScalarToken) and token.plain
    ] == []


@given(YAML_TEXTS, YAML_TEXTS)
def test_the_documents_of_the_control_plane_hold_what_they_were_given(text, other):
    document = userdata.kubeadm_init(
        node_name=text,
        version=other,
        pod_cidr=text,
        service_cidr=other,
        public_ip=text,
        ignore_preflight_errors=[other],
    )
    init, cluster, kubelet = yaml.load_all(document, LOADER)
    assert init["nodeRegistration"]["name"] == cluster["networking"]["podSubnet"] == text
    assert cluster["apiServer"]["certSANs"] == [text]
    assert init["nodeRegistration"]["ignorePreflightErrors"] == [other]
    assert (cluster["kubernetesVersion"], cluster["networking"]["serviceSubnet"]) == (f"v{other}", other)
    assert kubelet["kind"] == "KubeletConfiguration"


# --- the operator's command


def sentence(call, *arguments) -> str | None:
    try:
        call(*arguments)
    except UsageError as refusal:
        return str(refusal)
    return None


@given(TEXTS)
@example("12")
def test_a_hostile_option_is_refused_in_one_sentence(text):
    """The refusal comes before any call to AWS or Pulumi."""
    for call in (
        lambda: target.resolve(text or "-", "eu-west-1"),
        lambda: preview.parse_pr(text),
        lambda: preview.parse_ttl(text),
    ):
        told_so = sentence(call)
        if told_so is not None:
            assert told_so.isprintable()
            assert len(told_so) < 500
    if sentence(preview.parse_pr, text) is None:
        assert re.fullmatch("[1-9][0-9]{0,8}", text)


@given(TEXTS, TEXTS)
def test_what_is_set_is_kept_as_it_was_said_or_refused_in_one_sentence(key, text):
    for item in (f"{key}={text}", f"owner={text}", f"keyName={text}", text):
        told_so = sentence(preview.parse_settings, [item])
        if told_so is not None:
            assert told_so.isprintable()
            assert len(told_so) < 500
    if text[:1] not in ("[", "{") and not re.fullmatch("[0-9]{1,9}|true|false", text):
        assert preview.parse_settings([f"keyName={text}"]) == {"keyName": text}


def test_json_that_is_set_reaches_the_configuration_whole():
    labels = {"team": "$(touch executed)'\"`"}
    assert preview.parse_settings([f"nodePools={json.dumps([{'name': 'a', 'labels': labels}])}"]) == {
        "nodePools": [{"name": "a", "labels": labels}]
    }
