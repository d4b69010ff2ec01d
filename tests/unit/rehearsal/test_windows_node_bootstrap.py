"""Test that a node verifies a cluster as kubeadm does and requests its certificate as kubelet does."""

import json
from pathlib import Path

import pytest

from rehearsal.windows_node import bootstrap
from rehearsal.windows_node.errors import BootstrapError

TOKEN = "abcdef.0123456789abcdef"
# Written by the bootstrap signer of kube-controller-manager v1.35.8 in a temporary cluster.
CLUSTER_INFO = json.loads(Path(__file__).with_name("windows_standin_cluster_info.json").read_text())
# computed with openssl as in the kubeadm documentation
PIN = "sha256:e3b0ecd5a24428a4d6262fb286c74852a55729e1135da3e52414584015777e25"


def test_a_signature_of_the_real_controller_manager_is_accepted():
    assert bootstrap.signature_is_valid(
        CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"], TOKEN
    )


@pytest.mark.parametrize(
    ("signature", "content", "token"),
    [
        (CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"] + " ", TOKEN),
        (CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"], "abcdef.0123456789abcdee"),
        (CLUSTER_INFO["jws-kubeconfig-abcdef"], CLUSTER_INFO["kubeconfig"], "fedcba.0123456789abcdef"),
        ("e30..AAAA", CLUSTER_INFO["kubeconfig"], TOKEN),
        ("no signature at all", CLUSTER_INFO["kubeconfig"], TOKEN),
    ],
    ids=["content", "secret", "token id", "no algorithm", "no JWS"],
)
def test_any_other_signature_is_refused(signature, content, token):
    assert not bootstrap.signature_is_valid(signature, content, token)


def test_the_pin_of_a_real_ca_is_the_one_that_openssl_computes():
    assert bootstrap.pinned_ca(CLUSTER_INFO["kubeconfig"], (PIN,)).startswith("-----BEGIN CERTIFICATE-----")


def test_a_ca_that_is_not_pinned_is_refused():
    with pytest.raises(BootstrapError, match="this is another cluster"):
        bootstrap.pinned_ca(CLUSTER_INFO["kubeconfig"], ("sha256:" + "0" * 64,))
