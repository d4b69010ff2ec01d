"""Declare a resource of every type of the stand-in provider; `revision` changes what needs no replacement."""

import base64
import gzip
import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()
revision = config.require_int("revision")
workers = config.require_int("workers")
stack = pulumi.get_stack()
TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
    "Version": "2012-10-17",
}


def tags(name: str) -> dict[str, str]:
    return {"Name": f"{stack}-{name}", "microcosm:stack": stack, "revision": str(revision)}


ubuntu = aws.ssm.get_parameter(
    name="/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
)
windows = aws.ec2.get_ami(
    owners=["801119661308"],
    most_recent=True,
    filters=[{"name": "name", "values": ["Windows_Server-2019-English-Core-Base-*"]}],
)
zones = aws.get_availability_zones(state="available")
account = aws.get_caller_identity()
instance_type = aws.ec2.get_instance_type(instance_type="t3.medium")

vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=revision == 1, tags=tags("vpc"))
subnet = aws.ec2.Subnet(
    "subnet",
    vpc_id=vpc.id,
    cidr_block="10.0.0.0/20",
    availability_zone=zones.names[0],
    map_public_ip_on_launch=revision == 1,
    tags=tags("subnet"),
)
gateway = aws.ec2.InternetGateway("gateway", vpc_id=vpc.id, tags=tags("gateway"))
table = aws.ec2.RouteTable("table", vpc_id=vpc.id, tags=tags("table"))
inline = aws.ec2.RouteTable(
    "inline",
    vpc_id=vpc.id,
    routes=[{"cidr_block": "192.0.2.0/24", "gateway_id": gateway.id}],
    tags=tags("inline"),
)
aws.ec2.Route("route", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
aws.ec2.RouteTableAssociation(
    "association", subnet_id=subnet.id, route_table_id=table.id if revision == 1 else inline.id
)

groups = {
    name: aws.ec2.SecurityGroup(name, vpc_id=vpc.id, description=f"{name} of {stack}", tags=tags(name))
    for name in ("head", "worker")
}
for name, port in (("api", 6443), ("kubelet", 10250), ("page", 30080)):
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=groups["head"].id,
        cidr_ipv4="203.0.113.0/24" if revision == 1 else "198.51.100.0/24",
        from_port=port,
        to_port=port,
        ip_protocol="tcp",
        description=f"{name} {revision}",
        tags=tags(name),
    )
for name, source in (("head-worker", "head"), ("worker-head", "worker")):
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=groups["worker"].id,
        referenced_security_group_id=groups[source].id,
        ip_protocol="-1",
        description=f"all {revision}",
        tags=tags(name),
    )
for name, group in groups.items():
    aws.vpc.SecurityGroupEgressRule(
        f"{name}-out", security_group_id=group.id, cidr_ipv4="0.0.0.0/0", ip_protocol="-1", tags=tags(name)
    )

parameters = [
    aws.ssm.Parameter(
        name,
        name=f"/microcosm/{stack}/{name}",
        type="SecureString",
        value="pending",
        description=f"revision {revision}" if name == "plain" else None,
        tags=tags(name),
        opts=pulumi.ResourceOptions(ignore_changes=["value", "version"] if name != "plain" else []),
    )
    for name in ("join", "kubeconfig", "windows-network", "plain")
]
text = aws.ssm.Parameter(
    "text", name=f"/microcosm/{stack}/text", type="String", value=f"text {revision}", tags=tags("text")
)

profiles = {}
for name in ("head", "worker"):
    role = aws.iam.Role(
        f"{name}-role",
        assume_role_policy=json.dumps(TRUST),
        description=f"{name} {revision}",
        tags=tags(name),
    )
    statement = {
        "Effect": "Allow",
        "Action": "ssm:GetParameter",
        "Resource": [parameters[0].arn, text.arn][:revision],
    }
    aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.name,
        policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    aws.iam.RolePolicyAttachment(
        f"{name}-core", role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    )
    profiles[name] = aws.iam.InstanceProfile(f"{name}-profile", role=role.name, tags=tags(name))

key = aws.ec2.KeyPair("key", public_key=config.require("publicKey"), tags=tags("key"))
script = f"#!/bin/sh\necho {revision}\n".encode()


def instance(name: str, **arguments: object) -> aws.ec2.Instance:
    return aws.ec2.Instance(
        name,
        subnet_id=subnet.id,
        iam_instance_profile=profiles["head" if name == "head" else "worker"].name,
        metadata_options={
            "http_tokens": "required",
            "http_put_response_hop_limit": revision,
            "instance_metadata_tags": "enabled",
        },
        tags=tags(name),
        opts=pulumi.ResourceOptions(ignore_changes=["ami"]),
        **arguments,
    )


head = instance(
    "head",
    ami=ubuntu.value,
    instance_type="t3.medium" if revision == 1 else "t3.large",
    private_ip="10.0.0.10",
    vpc_security_group_ids=[groups["head"].id, groups["worker"].id][:revision],
    source_dest_check=revision == 1,
    instance_initiated_shutdown_behavior="stop" if revision == 1 else "terminate",
    user_data_base64=base64.b64encode(gzip.compress(script, mtime=0)).decode(),
    root_block_device={
        "volume_size": 20 * revision,
        "volume_type": "gp3",
        "encrypted": True,
        "tags": tags("head"),
    },
)
for index in range(workers):
    instance(
        f"linux-{index}",
        ami=ubuntu.value,
        instance_type="t3.medium",
        vpc_security_group_ids=[groups["worker"].id],
        user_data_base64=base64.b64encode(gzip.compress(b"#!/bin/sh\n", mtime=0)).decode(),
        user_data_replace_on_change=True,
        root_block_device={"volume_size": 20, "encrypted": True},
        volume_tags=tags(f"linux-{index}"),
    )
desktop = instance(
    "windows-0",
    ami=windows.id,
    instance_type="t3.large",
    key_name=key.key_name,
    get_password_data=True,
    vpc_security_group_ids=[groups["worker"].id],
    user_data=f"<powershell>{revision}</powershell><persist>true</persist>",
    user_data_replace_on_change=True,
    root_block_device={"volume_size": 80, "volume_type": "gp3", "encrypted": True, "tags": tags("windows-0")},
)
address = aws.ec2.Eip("address", domain="vpc", tags=tags("address"))
aws.ec2.EipAssociation(
    "address-of-head",
    allocation_id=address.id,
    instance_id=head.id,
    opts=pulumi.ResourceOptions(depends_on=[gateway]),
)
direct = aws.ec2.Eip(
    "direct",
    domain="vpc",
    instance=desktop.id,
    tags=tags("direct"),
    opts=pulumi.ResourceOptions(depends_on=[gateway]),
)

bucket = aws.s3.Bucket("bucket", force_destroy=True, tags=tags("bucket"))
aws.s3.BucketObjectv2(
    "object", bucket=bucket.bucket, key="greeting", content=f"hello {revision}", tags=tags("object")
)
aws.s3.BucketObjectv2(
    "asset", bucket=bucket.bucket, key="asset", source=pulumi.StringAsset(f"asset {revision}")
)

pulumi.export("api", address.public_ip)
pulumi.export("headId", head.id)
pulumi.export("account", account.account_id)
pulumi.export("password", desktop.password_data)
pulumi.export("memory", instance_type.memory_size)
