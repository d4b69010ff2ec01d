"""Buckets and objects."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from rehearsal.aws_provider.aws import Aws, if_exists, pairs
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.wire import Asset, Properties

NO_LOCATION = "us-east-1"
BODIES = names("content contentBase64 source")


class AnyBucket(Kind):
    """The same bucket under its two names in the SDK."""

    auto_name = "bucket"
    noun = "S3 bucket"
    tables = Tables(
        inputs=names("bucket forceDestroy tags"),
        replace=names("bucket"),
        defaults={"forceDestroy": False},
        computed=("arn", "bucketDomainName", "bucketRegionalDomainName"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        where = {} if aws.region == NO_LOCATION else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
        aws.s3.create_bucket(Bucket=inputs["bucket"], **where)
        return inputs["bucket"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        self._tag(aws, id_, aws.all_tags(inputs.get("tags")))

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        if if_exists(lambda: aws.s3.head_bucket(Bucket=id_)) is None:
            return None
        return {
            "arn": f"arn:{aws.partition}:s3:::{id_}",
            "bucket": id_,
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{aws.region}.amazonaws.com",
            **tag_state(aws, self._tags(aws, id_), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches("tags", "tagsAll"):
            self._tag(aws, id_, aws.all_tags(change.new.get("tags")))

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if state.get("forceDestroy"):
            if_exists(lambda: self._empty(aws, id_))
        if_exists(lambda: aws.s3.delete_bucket(Bucket=id_))

    def _tags(self, aws: Aws, id_: str) -> list[dict[str, str]]:
        try:
            return aws.s3.get_bucket_tagging(Bucket=id_)["TagSet"]
        except aws.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchTagSet":
                return []
            raise

    def _tag(self, aws: Aws, id_: str, tags: dict[str, str]) -> None:
        if tags:
            aws.s3.put_bucket_tagging(Bucket=id_, Tagging={"TagSet": pairs(tags)})
        else:
            aws.s3.delete_bucket_tagging(Bucket=id_)

    def _empty(self, aws: Aws, id_: str) -> None:
        for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=id_):
            for item in page.get("Contents", ()):
                aws.s3.delete_object(Bucket=id_, Key=item["Key"])


@register
class Bucket(AnyBucket):
    type_name = "aws:s3/bucket:Bucket"


@register
class BucketV2(AnyBucket):
    type_name = "aws:s3/bucketV2:BucketV2"


@register
class BucketObjectv2(Kind):
    type_name = "aws:s3/bucketObjectv2:BucketObjectv2"
    noun = "S3 object"
    importable = False
    tables = Tables(
        inputs=names("bucket content contentBase64 contentType key source tags"),
        replace=names("bucket key"),
        computed=("arn", "contentType", "etag"),
        volatile={"etag": BODIES},
    )

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        given = sorted(BODIES & inputs.keys())
        return [] if len(given) == 1 else [("", f"Exactly one of {', '.join(sorted(BODIES))} must be given, got {', '.join(given) or 'none'}.")]

    def create(self, aws: Aws, inputs: Properties) -> str:
        kind = {"ContentType": inputs["contentType"]} if "contentType" in inputs else {}
        tagging = urlencode(aws.all_tags(inputs.get("tags")))
        aws.s3.put_object(**_place(inputs), Body=_body(inputs), Tagging=tagging, **kind)
        return f"{inputs['bucket']}/{inputs['key']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        head = if_exists(lambda: aws.s3.head_object(**_place(known)))
        return head and {
            "arn": f"arn:{aws.partition}:s3:::{id_}",
            "bucket": known["bucket"],
            "contentType": head["ContentType"],
            "etag": head["ETag"].strip('"'),
            "key": known["key"],
            **tag_state(aws, aws.s3.get_object_tagging(**_place(known))["TagSet"], known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        """An object is written whole."""
        self.create(aws, change.new)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if_exists(lambda: aws.s3.delete_object(**_place(state)))


def _place(properties: Properties) -> dict[str, Any]:
    return {"Bucket": properties["bucket"], "Key": properties["key"]}


def _body(inputs: Properties) -> bytes:
    if "contentBase64" in inputs:
        return base64.b64decode(inputs["contentBase64"])
    source = inputs.get("source")
    return source.content() if isinstance(source, Asset) else inputs["content"].encode()
