"""Check the price of the machines that the configuration names."""

from collections.abc import Iterator, Mapping

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..aws import price_list, prices
from ..aws.session import PRICING
from ..explain import explain
from .checks import Check, Patient, Verdict, passed, warned
from .stack import Planned, planned


def _look(patient: Patient) -> Verdict:
    region, machines = patient.target.region, [*planned(patient.stack.valid)]
    parts = [part for machine in machines for part in _skus(machine)]
    asked, why_not = _asked(patient, {sku for sku, _ in parts})
    month = sum(_month(sku, units, region, asked) or 0.0 for sku, units in parts)
    unknown = sorted(
        {
            f"{each.type} with {each.os.family}"
            for each in machines
            if _month(_sku(each), 1, region, asked) is None
        }
    )
    of_table = sorted({sku for sku, _ in parts} - {*asked})
    least = "at least " if unknown else "about " if of_table and region != prices.REGION else ""
    money = f"{least}${month / prices.HOURS_A_MONTH:.2f} an hour, ${month:.0f} a month, traffic apart"
    table = f"list prices of {prices.AS_OF} in {prices.REGION}"
    if asked:
        source = f"AWS' price list of {region}, asked now" + (
            f"; {', '.join(of_table)} by {table}" if of_table else ""
        )
    else:
        source = f"{table}, since AWS' price list could not be asked: {why_not}"
    return (
        warned(f"{money} ({source}; none is known of {', '.join(unknown)})")
        if unknown
        else passed(f"{money} ({source})")
    )


def _asked(patient: Patient, skus: set[str]) -> tuple[dict[str, float], str]:
    """Ask AWS' price list; return its prices, or nothing and the reason."""
    try:
        return price_list.ask(
            patient.client(PRICING), patient.target.region, sorted(skus)
        ), "it has none of these"
    except (ClientError, BotoCoreError) as problem:
        return {}, str(explain(problem) or problem)
    except (ResponseParserError, ValueError, KeyError):
        return {}, "the answer is not AWS's (a fake cloud that does not have it?)"


def _month(sku: str, units: float, region: str, asked: Mapping[str, float]) -> float | None:
    if sku not in asked:
        return prices.monthly(sku, units, region).usd
    return asked[sku] * units * (1 if sku.startswith("ebs/") else prices.HOURS_A_MONTH)


def _sku(machine: Planned) -> str:
    return f"ec2/{machine.type}/{machine.os.family}"


def _skus(machine: Planned) -> Iterator[tuple[str, float]]:
    """List what a machine is paid for: itself, its disk, and its public address."""
    yield _sku(machine), 1
    yield "ebs/gp3", machine.disk_gb
    yield "public-ipv4", 1


CHECK = Check(name="price", what="of what the configuration names", look=_look, needs_config=True)
