"""Parameters."""

from __future__ import annotations

from typing import Any

from rehearsal.aws_provider.aws import Aws, if_exists, pairs, tag_changes, without_none
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.network import first
from rehearsal.aws_provider.wire import Properties

# What makes the official provider write: all but `overwrite` and the tags, `version` included.
SETTINGS = ("allowedPattern", "dataType", "description", "insecureValue", "keyId", "tier", "type", "value", "valueWoVersion", "version")
VALUES = ("value", "insecureValue", "valueWo")


@register
class Parameter(Kind):
    type_name = "aws:ssm/parameter:Parameter"
    noun = "SSM parameter"
    auto_name = "name"
    tables = Tables(
        inputs=names("allowedPattern dataType description insecureValue keyId name overwrite tags tier type value valueWo valueWoVersion"),
        replace=names("dataType name"),
        defaults={"allowedPattern": None, "description": None},
        computed=("arn", "dataType", "hasValueWo", "keyId", "tier", "version"),
        volatile={"version": names("description insecureValue value valueWoVersion"), "hasValueWo": names("valueWoVersion")},
        # hashicorp/terraform-provider-aws 0073593e, internal/service/ssm/parameter.go, CustomizeDiff.
        customized={"version": names("value description")},
        secret=names("value valueWo"),
        write_only=names("valueWo"),
    )

    def problems(self, inputs: Properties) -> list[tuple[str, str]]:
        if sum(name in inputs for name in VALUES) != 1:
            return [("", f"Exactly one of {', '.join(VALUES)} must be given.")]
        if ("valueWo" in inputs) != ("valueWoVersion" in inputs):
            return [("valueWoVersion", "valueWo and valueWoVersion go together.")]
        if "insecureValue" in inputs and inputs["type"] == "SecureString":
            return [("insecureValue", "A SecureString takes its text from value.")]
        return []

    def replaces_besides(self, new: Properties, state: Properties) -> frozenset[str]:
        """SSM refuses to make a standard parameter of an advanced one."""
        downgrade = state.get("tier") == "Advanced" and new.get("tier") == "Standard"
        return names("tier") if downgrade else frozenset()

    def create(self, aws: Aws, inputs: Properties) -> str:
        overwrite = bool(inputs.get("overwrite"))
        # SSM takes tags only with a parameter that is new.
        tags = {} if overwrite else {"Tags": pairs(aws.all_tags(inputs.get("tags")))}
        self._put(aws, inputs["name"], inputs, overwrite, **tags)
        return inputs["name"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if inputs.get("overwrite"):
            self._retag(aws, id_, {}, aws.all_tags(inputs.get("tags")))

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        answer = if_exists(lambda: aws.ssm.get_parameter(Name=id_, WithDecryption=True))
        filters = [{"Key": "Name", "Option": "Equals", "Values": [id_]}]
        detail = answer and first(aws.ssm.describe_parameters(ParameterFilters=filters), "Parameters")
        if not (answer and detail):
            return None
        parameter = answer["Parameter"]
        return {
            "allowedPattern": detail.get("AllowedPattern"),
            "arn": parameter["ARN"],
            "dataType": parameter["DataType"],
            "description": detail.get("Description") or None,
            "keyId": detail.get("KeyId"),
            "name": parameter["Name"],
            "tier": detail["Tier"],
            "type": parameter["Type"],
            "version": parameter["Version"],
            **_shown_value(parameter["Value"], known),
            **tag_state(aws, self._tags(aws, id_), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches(*SETTINGS):
            # A description that is no longer wanted must be written as empty: absent means unchanged.
            wanted = {**change.new, "description": change.new.get("description") or ""}
            if not change.touches("valueWoVersion", "value", "insecureValue"):
                # The official provider sends the value that the state has (resourceParameterUpdate): none if it is write-only, which SSM refuses.
                wanted |= {name: change.old.get(name) or "" for name in VALUES if name in wanted}
            self._put(aws, id_, wanted, overwrite=True)
        if change.touches("tags", "tagsAll"):
            self._retag(aws, id_, change.old.get("tagsAll") or {}, aws.all_tags(change.new.get("tags")))

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if_exists(lambda: aws.ssm.delete_parameter(Name=id_))

    def _put(self, aws: Aws, name: str, inputs: Properties, overwrite: bool, **extra: Any) -> None:
        optional = without_none(
            AllowedPattern=inputs.get("allowedPattern"),
            DataType=inputs.get("dataType"),
            Description=inputs.get("description"),
            KeyId=inputs.get("keyId") if inputs["type"] == "SecureString" else None,
            Tier=inputs.get("tier"),
        )
        value = next(inputs[name] for name in VALUES if name in inputs)
        aws.ssm.put_parameter(Name=name, Value=value, Type=inputs["type"], Overwrite=overwrite, **optional, **extra)

    def _tags(self, aws: Aws, id_: str) -> list[dict[str, str]]:
        return aws.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=id_)["TagList"]

    def _retag(self, aws: Aws, id_: str, old: dict[str, str], new: dict[str, str]) -> None:
        added, removed = tag_changes(old, new)
        if removed:
            aws.ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=id_, TagKeys=removed)
        if added:
            aws.ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=id_, Tags=pairs(added))


def _shown_value(value: str, known: Properties) -> Properties:
    """What the state holds of the value: nothing of one that is write-only, as in the official provider."""
    if "valueWo" in known or known.get("hasValueWo"):
        return {"hasValueWo": True, "value": None}
    return {"insecureValue" if "insecureValue" in known else "value": value}
