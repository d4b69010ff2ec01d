"""Answers of AWS' price list in the shape of AWS' own example (botocore
data/pricing/2017-10-15/examples-1.json, GetProducts).
"""

import json
from typing import Any

# US dollars an hour or a GB and month, made up for tests; by operation and type, or by volume.
PRICES = {
    ("RunInstances", "t3.medium"): "0.0456000000",
    ("RunInstances:0002", "t3.large"): "0.1188000000",
    ("RunInstances", "t3.large"): "0.0912000000",
    ("gp3",): "0.0880000000",
}


def product(price: str, unit: str, **attributes: str) -> str:
    """One product with its on-demand term, as the API sends it: a JSON text."""
    sku = "WQGC34PB2AWS8R4U"
    dimension = {
        "unit": unit,
        "endRange": "Inf",
        "description": f"${price} per {unit}",
        "appliesTo": [],
        "rateCode": f"{sku}.JRTCKXETXF.6YS6EN2CT7",
        "beginRange": "0",
        "pricePerUnit": {"USD": price},
    }
    term = {
        "priceDimensions": {dimension["rateCode"]: dimension},
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    document = {
        "product": {"productFamily": "Storage", "attributes": attributes, "sku": sku},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261101182201",
        "publicationDate": "2026-11-01T18:22:01Z",
    }
    return json.dumps(document)


def get_products(ServiceCode: str, FormatVersion: str, Filters: list[dict[str, str]]) -> dict[str, Any]:
    """Answer these filters as the API does; it refuses what it does not know."""
    assert (ServiceCode, FormatVersion, {each["Type"] for each in Filters}) == (
        "AmazonEC2",
        "aws_v1",
        {"TERM_MATCH"},
    )
    asked = {each["Field"]: each["Value"] for each in Filters}
    key = (
        (asked["volumeApiName"],) if "volumeApiName" in asked else (asked["operation"], asked["instanceType"])
    )
    unit = "GB-Mo" if len(key) == 1 else "Hrs"
    found = [product(PRICES[key], unit, regionCode=asked["regionCode"])] if key in PRICES else []
    return {"FormatVersion": "aws_v1", "PriceList": found}
