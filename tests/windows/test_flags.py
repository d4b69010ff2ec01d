"""The command lines of worker.ps1 against what the pinned Windows binaries say of their flags (help/,
recorded under Wine).
"""

import pytest

from infra.config import versions as matrix
from rehearsal.build import toolchain
from rehearsal.wine import command_lines, flags, help_texts

VERSIONS = {tool.folder: tool.pinned_version for tool in toolchain.windows_tools()}
LINES = command_lines.of_the_product()
# kubeadm leaves these for kubelet in kubeadm-flags.env, from the JoinConfiguration.
FROM_KUBEADM = ("--hostname-override=x", "--node-labels=a=b", "--register-with-taints=os=windows:NoSchedule")
CASES = {
    "kubeadm": LINES.kubeadm,
    "kubelet": (*LINES.kubelet, *FROM_KUBEADM),
    "flanneld": LINES.flanneld,
    "kube-proxy": (
        *LINES.kube_proxy,
        *(word for network in LINES.networks.values() for word in network.kube_proxy_arguments),
    ),
}
# Every Kubernetes that a node can have, and the pin of the rehearsal, which is one of them.
ROWS = [
    pytest.param(program, VERSIONS | {"kubernetes": version}, id=f"{program}-{version}")
    for version in matrix.KUBERNETES_VERSIONS
    for program in CASES
    if program != "flanneld" or version == VERSIONS["kubernetes"]
]


@pytest.mark.parametrize("program", CASES)
def test_the_pinned_version_is_recorded(program):
    text = next(text for text in help_texts.TEXTS if text.program == program)
    assert (help_texts.FOLDER / text.name(VERSIONS)).is_file(), (
        "its pin has moved: run `python -m rehearsal.wine help` (root; takes Wine)"
    )


@pytest.mark.parametrize(("program", "versions"), ROWS)
def test_every_version_of_the_matrix_is_recorded(program, versions):
    """`python -m rehearsal.wine help --kubernetes VERSION` records one that is not the default."""
    assert len(help_texts.known_flags(program, versions)) > 10, (
        "a recorded text in which no flags are found proves nothing"
    )


@pytest.mark.parametrize(("program", "versions"), ROWS)
def test_every_flag_is_one_that_the_program_has_and_keeps(program, versions):
    """A kubelet that is told a flag of another minor does not start."""
    assert flags.problems(CASES[program], help_texts.known_flags(program, versions)) == []


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("kubelet", "--pod-infra-container-image=x"),  # gone since 1.35
        ("kubelet", "--network-plugin=cni"),  # gone since 1.24
        ("kube-proxy", "--masquerade-everything"),
        ("flanneld", "--ip-masquerade"),
        ("kubeadm", "--cri-sock=x"),
    ],
)
def test_a_dead_or_mistyped_flag_would_be_noticed(program, word):
    assert flags.problems([word], help_texts.known_flags(program, VERSIONS)) == [
        f"{word}: the program has no flag --{word.lstrip('-').split('=')[0]}"
    ]


def test_the_recorded_texts_are_those_of_windows():
    """The Linux kubelet has no such flag, and would hide a mistake in ours."""
    assert "windows-priorityclass" in help_texts.known_flags("kubelet", VERSIONS)
