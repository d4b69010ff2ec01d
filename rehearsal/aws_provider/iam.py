"""Identities: roles, their policies, instance profiles."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from rehearsal.aws_provider.aws import Aws, if_exists, once_released, pairs, tag_changes, without_none
from rehearsal.aws_provider.kind import Change, Kind, Tables, names, register, tag_state
from rehearsal.aws_provider.wire import Properties

DEFAULT_SESSION = 3600


def document(value: Any) -> str:
    """boto3 decodes policy documents on most calls; on the others they are URL-encoded JSON."""
    return unquote(value) if isinstance(value, str) else json.dumps(value)


@register
class Role(Kind):
    type_name = "aws:iam/role:Role"
    noun = "IAM role"
    auto_name = "name"
    regional = False
    tables = Tables(
        inputs=names("assumeRolePolicy description forceDetachPolicies maxSessionDuration name path permissionsBoundary tags"),
        replace=names("name path"),
        defaults={"description": None, "forceDetachPolicies": False, "maxSessionDuration": DEFAULT_SESSION, "path": "/", "permissionsBoundary": None},
        computed=("arn", "createDate", "uniqueId"),
        json=names("assumeRolePolicy"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        optional = without_none(
            Description=inputs.get("description"),
            MaxSessionDuration=inputs.get("maxSessionDuration"),
            Path=inputs.get("path"),
            PermissionsBoundary=inputs.get("permissionsBoundary"),
        )
        tags = pairs(aws.all_tags(inputs.get("tags")))
        policy = inputs["assumeRolePolicy"]
        return aws.iam.create_role(RoleName=inputs["name"], AssumeRolePolicyDocument=policy, Tags=tags, **optional)["Role"]["RoleName"]

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        answer = if_exists(lambda: aws.iam.get_role(RoleName=id_))
        if not answer:
            return None
        role = answer["Role"]
        return {
            "arn": role["Arn"],
            "assumeRolePolicy": document(role["AssumeRolePolicyDocument"]),
            "createDate": role["CreateDate"].isoformat(),
            "description": role.get("Description") or None,
            "maxSessionDuration": role.get("MaxSessionDuration", DEFAULT_SESSION),
            "name": role["RoleName"],
            "path": role["Path"],
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "uniqueId": role["RoleId"],
            **tag_state(aws, role.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        new = change.new
        if change.touches("assumeRolePolicy"):
            aws.iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
        if change.touches("description", "maxSessionDuration"):
            aws.iam.update_role(RoleName=id_, Description=new.get("description") or "", MaxSessionDuration=new["maxSessionDuration"])
        if change.touches("permissionsBoundary"):
            self._bound(aws, id_, new.get("permissionsBoundary"))
        if change.touches("tags", "tagsAll"):
            added, removed = tag_changes(change.old.get("tagsAll") or {}, aws.all_tags(new.get("tags")))
            if removed:
                aws.iam.untag_role(RoleName=id_, TagKeys=removed)
            if added:
                aws.iam.tag_role(RoleName=id_, Tags=pairs(added))

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        if state.get("forceDetachPolicies"):
            self._strip(aws, id_)
        once_released(lambda: aws.iam.delete_role(RoleName=id_), "DeleteConflict")

    def _bound(self, aws: Aws, id_: str, boundary: str | None) -> None:
        if boundary:
            aws.iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=boundary)
        else:
            aws.iam.delete_role_permissions_boundary(RoleName=id_)

    def _strip(self, aws: Aws, id_: str) -> None:
        for policy in aws.iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]:
            aws.iam.detach_role_policy(RoleName=id_, PolicyArn=policy["PolicyArn"])
        for name in aws.iam.list_role_policies(RoleName=id_)["PolicyNames"]:
            aws.iam.delete_role_policy(RoleName=id_, PolicyName=name)


@register
class RolePolicy(Kind):
    type_name = "aws:iam/rolePolicy:RolePolicy"
    noun = "IAM role policy"
    auto_name = "name"
    tagged = False
    regional = False
    tables = Tables(inputs=names("name policy role"), replace=names("name role"), json=names("policy"))

    def create(self, aws: Aws, inputs: Properties) -> str:
        self._put(aws, inputs)
        return f"{inputs['role']}:{inputs['name']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        role, name = id_.split(":", 1)
        answer = if_exists(lambda: aws.iam.get_role_policy(RoleName=role, PolicyName=name))
        return answer and {"name": name, "policy": document(answer["PolicyDocument"]), "role": role}

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        self._put(aws, change.new)

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        role, name = id_.split(":", 1)
        if_exists(lambda: aws.iam.delete_role_policy(RoleName=role, PolicyName=name))

    def _put(self, aws: Aws, inputs: Properties) -> None:
        aws.iam.put_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])


@register
class RolePolicyAttachment(Kind):
    type_name = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    noun = "IAM role policy attachment"
    tagged = False
    regional = False
    tables = Tables(inputs=names("policyArn role"), replace=names("policyArn role"))

    def create(self, aws: Aws, inputs: Properties) -> str:
        aws.iam.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
        return f"{inputs['role']}/{inputs['policyArn']}"

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        role, arn = id_.split("/", 1)
        answer = if_exists(lambda: aws.iam.list_attached_role_policies(RoleName=role))
        attached = [policy["PolicyArn"] for policy in answer["AttachedPolicies"]] if answer else []
        return {"policyArn": arn, "role": role} if arn in attached else None

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        role, arn = id_.split("/", 1)
        if_exists(lambda: aws.iam.detach_role_policy(RoleName=role, PolicyArn=arn))


@register
class InstanceProfile(Kind):
    type_name = "aws:iam/instanceProfile:InstanceProfile"
    noun = "IAM instance profile"
    auto_name = "name"
    regional = False
    tables = Tables(
        inputs=names("name path role tags"),
        replace=names("name path"),
        defaults={"path": "/", "role": None},
        computed=("arn", "createDate", "uniqueId"),
    )

    def create(self, aws: Aws, inputs: Properties) -> str:
        arguments = {"InstanceProfileName": inputs["name"], "Path": inputs["path"], "Tags": pairs(aws.all_tags(inputs.get("tags")))}
        return aws.iam.create_instance_profile(**arguments)["InstanceProfile"]["InstanceProfileName"]

    def complete(self, aws: Aws, id_: str, inputs: Properties) -> None:
        if inputs.get("role"):
            aws.iam.add_role_to_instance_profile(InstanceProfileName=id_, RoleName=inputs["role"])

    def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
        answer = if_exists(lambda: aws.iam.get_instance_profile(InstanceProfileName=id_))
        if not answer:
            return None
        profile = answer["InstanceProfile"]
        return {
            "arn": profile["Arn"],
            "createDate": profile["CreateDate"].isoformat(),
            "name": profile["InstanceProfileName"],
            "path": profile["Path"],
            "role": next((role["RoleName"] for role in profile["Roles"]), None),
            "uniqueId": profile["InstanceProfileId"],
            **tag_state(aws, profile.get("Tags"), known),
        }

    def update(self, aws: Aws, id_: str, change: Change) -> None:
        if change.touches("role"):
            self._remove_role(aws, id_, change.old.get("role"))
            self.complete(aws, id_, change.new)
        if change.touches("tags", "tagsAll"):
            added, removed = tag_changes(change.old.get("tagsAll") or {}, aws.all_tags(change.new.get("tags")))
            if removed:
                aws.iam.untag_instance_profile(InstanceProfileName=id_, TagKeys=removed)
            if added:
                aws.iam.tag_instance_profile(InstanceProfileName=id_, Tags=pairs(added))

    def delete(self, aws: Aws, id_: str, state: Properties) -> None:
        live = self.read(aws, id_, state)
        if live:
            self._remove_role(aws, id_, live["role"])
            once_released(lambda: aws.iam.delete_instance_profile(InstanceProfileName=id_), "DeleteConflict")

    def _remove_role(self, aws: Aws, id_: str, role: str | None) -> None:
        if role:
            if_exists(lambda: aws.iam.remove_role_from_instance_profile(InstanceProfileName=id_, RoleName=role))
