"""Prices are estimates with a date, and unknown where no source is known."""

import pytest

from microcosm import prices
from microcosm.prices import Cost


@pytest.mark.parametrize(
    ("sku", "units", "region", "shown"),
    [
        ("ec2/t3.medium/linux", 1, "us-east-1", "$30.37"),
        ("ec2/t3.medium/windows", 1, "us-east-1", "$43.80"),
        ("ebs/gp3", 80, "eu-west-1", "~$6.40"),
        ("free", 1, "eu-west-1", "$0.00"),
        ("ec2/t3.large/windows", 1, "us-east-1", "unknown"),
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
