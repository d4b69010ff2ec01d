"""AWS' own price list: what is asked of it, what is read of its answers, and where it is asked."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore
import pytest

from microcosm.aws import price_list
from microcosm.aws import session as aws
from tests.support import price_answers

EXAMPLE = Path(botocore.__file__).parent / "data" / "pricing" / "2017-10-15" / "examples-1.json"


def answering(*products: str) -> Any:
    return SimpleNamespace(get_products=lambda **_: {"FormatVersion": "aws_v1", "PriceList": [*products]})


def test_each_sku_is_asked_for_by_its_attributes_and_region() -> None:
    asked: list[dict[str, str]] = []

    def get_products(**arguments: Any) -> Any:
        asked.append({each["Field"]: each["Value"] for each in arguments["Filters"]})
        return price_answers.get_products(**arguments)

    skus = ["ec2/t3.medium/linux", "ec2/t3.large/windows", "ebs/gp3", "public-ipv4", "ec2/x9.huge/linux"]
    found = price_list.ask(SimpleNamespace(get_products=get_products), "eu-west-1", skus)
    assert found == {"ec2/t3.medium/linux": 0.0456, "ec2/t3.large/windows": 0.1188, "ebs/gp3": 0.088}
    assert {each["regionCode"] for each in asked} == {"eu-west-1"}
    assert sorted(each.get("operation", "") for each in asked) == [
        "",
        "RunInstances",
        "RunInstances",
        "RunInstances:0002",
    ]


def test_aws_own_example_is_read() -> None:
    """Provisioned IOPS in Canada: $0.138 per GB and month."""
    (example,) = json.loads(EXAMPLE.read_text())["examples"]["GetProducts"]
    pricing = SimpleNamespace(get_products=lambda **_: example["output"])
    assert price_list.ask(pricing, "ca-central-1", ["ebs/io1"]) == {"ebs/io1": 0.138}


@pytest.mark.parametrize(
    "products",
    [
        (),
        (price_answers.product("0.1", "Hrs"), price_answers.product("0.2", "Hrs")),
        (price_answers.product("0.0000000000", "Hrs"),),
        (json.dumps({"product": {}, "terms": {"Reserved": {}}}),),
    ],
    ids=["none", "two prices", "a reservation", "no on-demand term"],
)
def test_what_has_not_one_price_has_none(products: tuple[str, ...]) -> None:
    assert price_list.ask(answering(*products), "eu-west-1", ["ebs/gp3"]) == {}


def test_products_of_one_price_have_that() -> None:
    same = price_answers.product("0.1", "Hrs")
    assert price_list.ask(answering(same, same), "eu-west-1", ["ebs/gp3"]) == {"ebs/gp3": 0.1}


@pytest.mark.parametrize(
    ("region", "where"),
    [
        ("eu-west-1", "eu-central-1"),
        ("ap-southeast-2", "ap-south-1"),
        ("us-west-2", "us-east-1"),
        ("sa-east-1", "us-east-1"),
    ],
)
def test_the_api_is_asked_in_a_region_that_has_it(region: str, where: str) -> None:
    made: dict[str, Any] = {}

    def client(service_name: str, **options: Any) -> Any:
        return made.setdefault(service_name, options)

    session = aws.OneClientEach(SimpleNamespace(region_name=region, client=client))
    session.client("ec2"), session.client("pricing")
    assert made["ec2"] == {}
    assert made["pricing"]["region_name"] == where
    endpoints = json.loads((Path(botocore.__file__).parent / "data" / "endpoints.json").read_text())
    assert where in endpoints["partitions"][0]["services"]["api.pricing"]["endpoints"]
