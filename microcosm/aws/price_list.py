"""Prices of a region from AWS itself: the Price List Query API, for on-demand use, in US dollars.

Shape of the answers: AWS' own example of GetProducts (botocore data/pricing/2017-10-15/examples-1.json): a
list of JSON texts, each a product with its terms. What the API does not answer, or not with one price, is
left to the table of prices.py.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

# Attributes that leave one product of an instance type: the price of a running machine on shared hardware,
# without other software. Windows comes with its licence (`operation` of the EC2 billing codes:
# docs.aws.amazon.com/AWSEC2 "billing-info-fields").
_OPERATION = {"linux": "RunInstances", "windows": "RunInstances:0002"}
_MACHINE = {"tenancy": "Shared", "capacitystatus": "Used", "preInstalledSw": "NA"}
PARALLEL = 4


def ask(pricing: Any, region: str, skus: Iterable[str]) -> dict[str, float]:
    """Ask for the price of each sku that the API knows: a machine by the hour, a disk by the GB and month."""
    known = {sku: filters for sku in skus if (filters := _filters(sku))}
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = pool.map(lambda filters: _price(pricing, region, filters), known.values())
    return {sku: price for sku, price in zip(known, found, strict=True) if price is not None}


def _filters(sku: str) -> Mapping[str, str]:
    """The attributes of a sku's product; none for what the table alone has."""
    kind, _, rest = sku.partition("/")
    if kind == "ec2":
        instance_type, _, system = rest.partition("/")
        return _MACHINE | {"instanceType": instance_type, "operation": _OPERATION[system]}
    if kind == "ebs":
        return {"productFamily": "Storage", "volumeApiName": rest}
    return {}


def _price(pricing: Any, region: str, attributes: Mapping[str, str]) -> float | None:
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in {**attributes, "regionCode": region}.items()
    ]
    answer = pricing.get_products(ServiceCode="AmazonEC2", FormatVersion="aws_v1", Filters=filters)
    found = {price for text in answer["PriceList"] for price in _on_demand(json.loads(text))}
    # Prices that differ are of products that these attributes do not tell apart.
    return found.pop() if len(found) == 1 else None


def _on_demand(product: Mapping[str, Any]) -> Iterator[float]:
    """Yield the prices of a product that are not zero: a product of a reservation has an on-demand term of
    nothing.
    """
    terms = cast("Mapping[str, Mapping[str, Any]]", product.get("terms", {}).get("OnDemand", {}))
    for term in terms.values():
        for dimension in cast("Mapping[str, Mapping[str, Any]]", term["priceDimensions"]).values():
            if price := float(dimension["pricePerUnit"].get("USD", 0)):
                yield price
