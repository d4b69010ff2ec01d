"""Test how a program's --help is read and a command line is checked against it."""

from rehearsal.wine import flags

PFLAG = """\
Usage:
  kubelet [flags]

Flags:
      --bind-address ip          The IP address (default 0.0.0.0)
      --cgroups-per-qos          QoS cgroups (DEPRECATED: This parameter should be set via the config file.)
      --old-thing string         Was good once (DEPRECATED: will be removed in 1.99)
  -h, --help                     help for kubelet
      --feature-gates mapStringBool   A set of pairs. Options are:
                                 Other=true|false (BETA - default=true)
"""


def test_the_flags_of_pflag_are_read():
    known = flags.read(PFLAG)
    assert set(known) == {"bind-address", "cgroups-per-qos", "old-thing", "help", "feature-gates"}
    assert known["bind-address"].takes_value
    assert not known["help"].takes_value
    assert "Other=true|false" in known["feature-gates"].text


def test_a_flag_that_is_not_there_is_a_problem():
    assert flags.problems(["join", "--bind-address=x", "--nonsense=1"], flags.read(PFLAG)) == [
        "--nonsense=1: the program has no flag --nonsense"
    ]


def test_a_flag_that_will_go_is_a_problem():
    assert "is deprecated: Was good once" in flags.problems(["--old-thing=x"], flags.read(PFLAG))[0]


def test_a_flag_that_kubelet_would_rather_have_in_its_file_is_none():
    """kubelet prints it for nearly all of its flags, and our nodes share one file."""
    assert flags.problems(["--cgroups-per-qos=false"], flags.read(PFLAG)) == []


def test_a_value_that_stands_apart_is_a_problem():
    """nssm and PowerShell would have to keep the two words together."""
    assert "must follow after =" in flags.problems(["--bind-address", "0.0.0.0"], flags.read(PFLAG))[0]


def test_a_program_that_refuses_its_command_line_is_quoted():
    assert flags.refusal("Usage\nError: unknown flag: --x\nmore") == "Error: unknown flag: --x"
    assert flags.refusal("flag provided but not defined: -x") == "flag provided but not defined: -x"
    assert flags.refusal("I1125 Started") == ""


def test_what_a_running_program_says_of_old_flags_and_gates_is_kept():
    in_file = "Flag --c has been deprecated, This parameter should be set via the config file"
    said = f"Flag --a has been deprecated, use b\n{in_file}\nI1125 fine\n"
    gate = "W1125 feature_gate.go:410] Setting GA feature gate WinDSR=true. It will be removed."
    assert flags.deprecations(said + gate) == ["Flag --a has been deprecated, use b", gate]


def test_a_flag_that_kubeadm_itself_gives_is_kubeadms_to_drop():
    """The one of 1.34 gives --pod-infra-container-image, which the kubelet of 1.34 calls deprecated."""
    said = (
        "Flag --pod-infra-container-image has been deprecated, will be removed in 1.35.\nFlag --a has "
        "been deprecated, use b"
    )
    assert flags.deprecations(said, ["--pod-infra-container-image=pause:3.10"]) == [
        "Flag --a has been deprecated, use b"
    ]
