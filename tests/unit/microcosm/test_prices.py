"""Prices are estimates with a date, and unknown where no source is known."""

import pytest

from infra.config import model as config
from infra.config import operating_systems
from microcosm.aws import prices
from microcosm.aws.prices import Cost


@pytest.mark.parametrize(
    ("sku", "units", "region", "shown"),
    [
        ("ec2/t3.medium/linux", 1, "us-east-1", "$30.37"),
        ("ec2/t3.medium/windows", 1, "us-east-1", "$43.80"),
        ("ebs/gp3", 80, "eu-west-1", "~$6.40"),
        ("free", 1, "eu-west-1", "$0.00"),
        ("ec2/t3.large/windows", 1, "us-east-1", "$80.88"),
        ("ec2/t3.nano/windows", 1, "us-east-1", "unknown"),
    ],
)
def test_a_month_of_something(sku: str, units: float, region: str, shown: str) -> None:
    """Hourly prices make 730 hours; another region's are marked; what is not in the table is not guessed."""
    assert str(prices.monthly(sku, units, region)) == shown


def test_a_sum_says_when_it_is_only_a_lower_bound() -> None:
    """An unknown price is not a price of nothing."""
    known, unknown = Cost(usd=1.5), Cost(usd=None)
    assert prices.total([known, known]) == "$3.00"
    assert prices.total([known, unknown]) == "at least $1.50"
    assert prices.total([]) == "$0.00"


@pytest.mark.parametrize("os", operating_systems.OPERATING_SYSTEMS.values(), ids=lambda os: os.name)
def test_every_default_machine_has_a_price(os: operating_systems.OperatingSystem) -> None:
    """And its disk: the default stack has a price, whatever systems its pools have."""
    assert prices.monthly(f"ec2/{os.default_instance_type}/{os.family}", 1, prices.REGION).usd
    assert prices.monthly("ebs/gp3", os.default_disk_gb, prices.REGION).usd


def test_the_default_control_plane_has_a_price() -> None:
    machine = config.parse({"adminCidrs": ["198.51.100.7/32"]}, stack="dev").control_plane
    assert prices.monthly(f"ec2/{machine.instance_type}/linux", 1, prices.REGION).usd


def test_windows_costs_more_than_linux_by_the_licence_alone() -> None:
    """A row that was read from the wrong column would be one of Linux."""
    for sku, price in prices.USD_AN_HOUR.items():
        if sku.endswith("/windows"):
            assert 0.01 < price - prices.USD_AN_HOUR[sku.replace("/windows", "/linux")] < 0.2, sku
