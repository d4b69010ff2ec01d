"""Test that the stand-in reads user-data as PowerShell would, so that rendering errors fail a rehearsal."""

import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.config import model as config
from infra.node import script_inputs, userdata
from infra.script_bucket import StagedScript
from rehearsal.windows_node import inputs
from rehearsal.windows_node.errors import InputError
from rehearsal.windows_node.powershell import assignments, script_of

JOIN_DOCUMENT = {
    "instance": "i-1",
    "endpoint": "10.0.0.10:6443",
    "token": "abcdef.0123456789abcdef",
    "caCertHash": "sha256:" + "0" * 64,
}
POOLS = [
    {"name": "linux", "os": "ubuntu-24.04", "count": 1},
    {"name": "windows", "os": "windows-2019", "count": 1, "labels": {"team": "cards"}},
]


def rendered() -> str:
    """Return the user-data that the program renders."""
    stack = config.parse({"adminCidrs": ["203.0.113.7/32"], "nodePools": POOLS}, stack="dev")
    script = StagedScript(bucket="scripts", key="node.ps1", sha256=hashlib.sha256(b"script").hexdigest())
    return script_inputs.worker(
        stack, stack.node_pools[1], "windows-0", region="eu-west-1", control_plane_id="i-1", script=script
    )


TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n'"), max_size=30)
LITERALS = st.recursive(
    TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)


# No deadline: the machine may be busy with a rehearsal.
@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Za-z]{0,8}", fullmatch=True), LITERALS, min_size=1, max_size=4)
)
def test_what_the_program_renders_is_read_back_as_it_was(values):
    assert assignments(script_of(userdata.windows(values))) == values


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("$A = 'one'\n$A = 'two'\n", "assigns $A twice"),
        ('$A = "$env:PATH"\n', "line 1 of the script: expected a single-quoted string"),
        ("$A = 'ok'\n$B = Get-Date\n", "line 2 of the script: expected a single-quoted string"),
        ("$A = 'it's'\n", r"expected '\n', found"),
        ("$A = @('x' 'y')\n", "expected ', '"),
        ("$A='x'\n", "expected `$Name = literal`"),
    ],
)
def test_a_wrong_assignment_is_refused_with_its_place(wrong, sentence):
    with pytest.raises(InputError) as refusal:
        assignments(wrong)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize("damage", ["</powershell>", "<powershell>\n", "<persist>true</persist>"])
def test_user_data_that_would_not_run_at_every_boot_is_refused(damage):
    with pytest.raises(InputError, match="EC2Launch"):
        inputs.from_user_data(rendered().replace(damage, "").encode())


def test_user_data_that_is_not_ascii_is_refused():
    with pytest.raises(InputError, match=r"not ASCII at byte \d+"):
        inputs.from_user_data(rendered().replace("'dev'", "'d\u00e9v'").encode())


@pytest.mark.parametrize("variable", ["NodeName", "JoinConfiguration", "ScriptSha256", "PrepullImages"])
def test_a_missing_input_is_named(variable):
    without = re.sub(rf"^\${variable} = (@\(.*\)|'[^']*')\n", "", rendered(), flags=re.MULTILINE)
    with pytest.raises(InputError, match=rf"\${variable}"):
        inputs.from_user_data(without.encode())


def test_a_download_without_a_proper_sum_is_refused():
    with pytest.raises(InputError, match=r"\$Artifacts, .*accepted is"):
        inputs.from_user_data(re.sub(r"'sha512:[0-9a-f]+'", "'sha512:none'", rendered(), count=1).encode())


TEMPLATE = userdata.kubeadm_join(
    node_name="w", family="windows", labels={}, taints=[], ignore_preflight_errors=[]
)


@pytest.mark.parametrize(
    ("template", "document", "sentence"),
    [
        (TEMPLATE, {"instance": "i-1", "endpoint": "e", "token": "t"}, "has no caCertHash"),
        (TEMPLATE + "extra: '@PRIVATE_IP@'\n", JOIN_DOCUMENT, "still holds @PRIVATE_IP@"),
        (TEMPLATE.replace("v1beta4", "v1beta3"), JOIN_DOCUMENT, "accepted is kubeadm.k8s.io/v1beta4"),
        (
            TEMPLATE.replace('"token"', '"unsafeSkipCAVerification": true\n    "token"'),
            JOIN_DOCUMENT,
            "skips the verification",
        ),
    ],
)
def test_a_join_configuration_that_kubeadm_should_not_get_is_refused(template, document, sentence):
    with pytest.raises(InputError, match=sentence):
        inputs.registration(template, document)
