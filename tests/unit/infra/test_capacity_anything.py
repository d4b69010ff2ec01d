"""Address plans by the thousand against an oracle that counts: whether every node has an address and every
node's pods have a range.

The oracle shares nothing with infra/config/address_plan.py: it lays subnets and nodes out as plain integers,
one after the other, and looks whether something is left over. Shapes of ranges by themselves are
test_config_anything.py's.
"""

from hypothesis import example, given
from hypothesis import strategies as st

from infra.config import address_plan
from infra.config import model as config
from infra.errors import ConfigError
from tests.support.config_cases import ADMINS

ZONES = [f"eu-west-1{letter}" for letter in "abcdef"]
# AWS' own numbers: a subnet is a /16 to a /28, and five addresses of each are not for machines.
SMALLEST_SUBNET, NOT_FOR_MACHINES = 16, 5
# The product's: a subnet is a /20 (4,096 addresses) where the VPC has so much for every zone, and a node's
# pods get a /24.
PREFERRED_SUBNET, PODS_OF_A_NODE = 4096, 256
BASES = {"vpcCidr": 10 << 24, "podCidr": 100 << 24, "serviceCidr": 200 << 24}


@st.composite
def plans(draw):
    """Sizes of the ranges, zones, and pools, mostly near to where the one is just too small for the other."""
    sizes = {
        "vpcCidr": draw(st.integers(16, 28)),
        "podCidr": draw(st.integers(8, 24)),
        "serviceCidr": draw(st.integers(12, 28)),
    }
    zones = draw(st.integers(0, 6))
    per_zone = max(0, min(2 ** (32 - sizes["vpcCidr"]) // max(zones, 1), PREFERRED_SUBNET))
    interesting = [
        2 ** (24 - sizes["podCidr"]),
        per_zone - NOT_FOR_MACHINES,
        (per_zone - NOT_FOR_MACHINES) * max(zones, 1),
    ]
    around = (
        st.sampled_from(interesting)
        .flatmap(lambda n: st.integers(n - 3, n + 3))
        .map(lambda n: min(max(n, 0), 1000))
    )
    counts = draw(st.lists(around | st.integers(0, 1000), max_size=6))
    return sizes, zones, counts


def text(first: int, prefix: int) -> str:
    return ".".join(str(first >> shift & 255) for shift in (24, 16, 8, 0)) + f"/{prefix}"


def subnets(vpc_prefix: int, zones: int) -> list[range] | None:
    """The addresses of each zone's subnet; None when the VPC cannot be cut so often.

    Halved until there is one for every zone.
    """
    size, whole = 2 ** (32 - vpc_prefix), 2 ** (32 - vpc_prefix)
    while whole // size < zones or size > PREFERRED_SUBNET:
        size //= 2
    if size < SMALLEST_SUBNET:
        return None
    first = BASES["vpcCidr"]
    return [range(first + zone * size, first + (zone + 1) * size) for zone in range(zones)]


def every_machine_has_an_address(vpc_prefix: int, zones: int, counts: list[int]) -> bool:
    places = subnets(vpc_prefix, max(zones, 1))
    if places is None:
        return False
    free = [[*place][4:-1] for place in places]
    free[0].pop()  # the control plane
    for count in counts:
        for node in range(count):
            if not free[node % len(free)]:
                return False
            free[node % len(free)].pop()
    return True


def every_node_has_a_range_for_its_pods(pod_prefix: int, counts: list[int]) -> bool:
    return len(range(BASES["podCidr"], BASES["podCidr"] + 2 ** (32 - pod_prefix), PODS_OF_A_NODE)) >= 1 + sum(
        counts
    )


def problems(values: dict[str, object]) -> list[str]:
    try:
        config.parse(ADMINS | values | {"workloads": False}, stack="dev")
    except ConfigError as refusal:
        return list(refusal.problems)
    return []


def problems_of_plan(sizes: dict[str, int], zones: int, counts: list[int]) -> list[str]:
    ranges = {key: text(BASES[key], prefix) for key, prefix in sizes.items()}
    pools = [{"name": f"pool-{index}", "count": count} for index, count in enumerate(counts)]
    return problems({**ranges, "availabilityZones": ZONES[:zones], "nodePools": pools})


@given(plans())
@example(({"vpcCidr": 28, "podCidr": 20, "serviceCidr": 28}, 0, [10]))
@example(({"vpcCidr": 28, "podCidr": 20, "serviceCidr": 28}, 0, [11]))
@example(({"vpcCidr": 28, "podCidr": 24, "serviceCidr": 12}, 1, []))
@example(({"vpcCidr": 27, "podCidr": 8, "serviceCidr": 28}, 3, [1]))
@example(({"vpcCidr": 16, "podCidr": 8, "serviceCidr": 12}, 0, [1000, 1000, 1000, 1000, 90]))
@example(({"vpcCidr": 16, "podCidr": 8, "serviceCidr": 12}, 0, [1000, 1000, 1000, 1000, 91]))
def test_a_plan_is_accepted_exactly_when_everything_finds_its_place(plan):
    sizes, zones, counts = plan
    expected = every_machine_has_an_address(
        sizes["vpcCidr"], zones, counts
    ) and every_node_has_a_range_for_its_pods(sizes["podCidr"], counts)
    found = problems_of_plan(sizes, zones, counts)
    assert (found == []) == expected
    assert all(problem.startswith(("vpcCidr", "podCidr")) for problem in found), (
        "nothing else is wrong with these"
    )


@given(st.integers(16, 28), st.integers(1, 6))
def test_subnets_are_where_the_oracle_lays_them(prefix, zones):
    """Without a gap, without an overlap, all within the VPC."""
    places = subnets(prefix, zones)
    if places is None:
        return
    length = 33 - len(places[0]).bit_length()
    assert address_plan.subnets(text(BASES["vpcCidr"], prefix), zones) == [
        text(place[0], length) for place in places
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=1, max_size=9, unique=True),
    st.booleans(),
)
@example([(1, 0), (1, 1)], False)
@example([(2, 0), (2, 1), (1, 1)], True)
def test_ranges_that_together_are_the_internet_need_a_word_more(pieces, meant):
    """Eighths of the Internet, so that every address can be counted."""
    chosen = {(prefix, first % 2**prefix) for prefix, first in pieces}
    eighths = {
        address
        for prefix, first in chosen
        for address in range(first << (3 - prefix), (first + 1) << (3 - prefix))
    }
    cidrs = [text(first << (32 - prefix) if prefix else 0, prefix) for prefix, first in chosen]
    accepted = problems({"adminCidrs": cidrs, "allowPublicAdmin": meant, "nodePools": []}) == []
    assert accepted == (meant or eighths != set(range(8)))


# --- the matrix

# What goes together, from second sources, written out by hand on 2026-11-24 and not read from
# infra/config/versions.py: kubernetes/website content/en/docs/concepts/windows/intro.md, 1.34's before and
# 1.35's and 1.36's after pull request 53724; rancher/rke2 6ce1a80 (still packages build 17763 for 1.35 and
# 1.36: best effort); Canonical's and kubeadm's own for Ubuntu.
GOES_TOGETHER = """
                1.34.11       1.35.8        1.36.4
ubuntu-24.04    yes           yes           yes
windows-2019    yes           best-effort   best-effort
windows-2022    yes           yes           yes
windows-2025    no            yes           yes
"""
VERSIONS, *ROWS = (line.split() for line in GOES_TOGETHER.strip().splitlines())
TABLE = {
    (os, version): answer for os, *answers in ROWS for version, answer in zip(VERSIONS, answers, strict=True)
}
SOME_SYSTEMS = [*(row[0] for row in ROWS), "windows-2016", "ubuntu-22.04", "Windows-2019", ""]
SOME_VERSIONS = [*VERSIONS, "1.33.0", "1.34.10", "1.35", "v1.35.8", "1.37.0", ""]


@given(st.sampled_from(SOME_VERSIONS), st.lists(st.sampled_from(SOME_SYSTEMS), max_size=3))
def test_systems_and_versions_are_accepted_exactly_as_the_second_source_has_them(version, systems):
    pools = [{"name": f"pool-{index}", "os": os} for index, os in enumerate(systems)]
    wanted = [TABLE.get((os, version), "no") for os in systems] if version in VERSIONS else ["no"]
    try:
        stack = config.parse(
            {**ADMINS, "kubernetesVersion": version, "nodePools": pools, "workloads": False}, stack="dev"
        )
    except ConfigError:
        assert "no" in wanted
    else:
        assert "no" not in wanted
        assert bool(stack.notes) == ("best-effort" in wanted), "what is best effort is said"


def test_the_readme_shows_the_same_table():
    """People decide by it."""
    words = {"supported": "yes", "best effort": "best-effort", "\N{EM DASH}": "no"}
    lines = [
        line
        for line in (config.PROJECT / "README.md").read_text().splitlines()
        if line.startswith("| Windows Server 20")
    ]
    shown = {
        line.split("|")[1].split()[2]: [words[cell.strip()] for cell in line.split("|")[2:5]]
        for line in lines
    }
    assert shown == {
        os.removeprefix("windows-"): answers for os, *answers in ROWS if os.startswith("windows")
    }
