"""Configurations that cannot be built, each with what one sentence of the refusal must hold: key, value,
what is accepted, what to do.
"""

from typing import Any

ADMINS = {"adminCidrs": ["203.0.113.7/32"]}
LINUX, WINDOWS = {"name": "linux", "os": "ubuntu-24.04"}, {"name": "windows", "os": "windows-2019"}


def pools(**changes):
    """The two default pools, the first one changed."""
    return {"nodePools": [LINUX | changes, WINDOWS]}


# name: (what is given, what one sentence must hold)
BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown system": (
        pools(os="windows-2016"),
        ["nodePools[0].os", "'windows-2016'", "accepted is one of ubuntu-24.04, windows-2019"],
    ),
    "a Windows build for a system": (
        {"nodePools": [LINUX, WINDOWS | {"os": "10.0.20348"}]},
        ["nodePools[1].os", "'10.0.20348'", "did you mean windows-2022?"],
    ),
    "a spelling mistake": (pools(os="Ubuntu 24.04"), ["'Ubuntu 24.04'", "did you mean ubuntu-24.04?"]),
    "unsupported pair": (
        {"kubernetesVersion": "1.34.11", "nodePools": [LINUX, WINDOWS | {"os": "windows-2025"}]},
        [
            "nodePools[1].os",
            "Windows Server 2025",
            "Kubernetes 1.34",
            "the nearest that is: windows-2025 with Kubernetes 1.35.8",
        ],
    ),
    "unknown version": (
        {"kubernetesVersion": "1.20.0"},
        ["kubernetesVersion", "'1.20.0'", "accepted is one of 1.34.11, 1.35.8"],
    ),
    "a minor is no version": (
        {"kubernetesVersion": "1.35"},
        ["kubernetesVersion", "'1.35'", "did you mean 1.35.8?"],
    ),
    "nobody may come in": (
        {"adminCidrs": []},
        ["adminCidrs is missing", "pulumi config set --path 'adminCidrs[0]'"],
    ),
    "the whole internet": (
        {"adminCidrs": ["0.0.0.0/0"]},
        ["adminCidrs", "0.0.0.0/0", "name your own ranges, or set allowPublicAdmin to true"],
    ),
    "the whole internet in halves": (
        {"adminCidrs": ["0.0.0.0/1", "128.0.0.0/1"]},
        ["adminCidrs", "together are 0.0.0.0/0", "name your own ranges, or set allowPublicAdmin to true"],
    ),
    "an address is no range": (
        {"adminCidrs": ["203.0.113.7"]},
        ["adminCidrs", "203.0.113.7", "an IPv4 range, e.g. 203.0.113.7/32"],
    ),
    "a text is no list": (
        {"adminCidrs": "203.0.113.7/32"},
        ["adminCidrs", "'203.0.113.7/32'", "accepted is a list"],
    ),
    "a range with host bits": (
        {"adminCidrs": ["203.0.113.7/24"]},
        ["adminCidrs", "'203.0.113.7/24'", "host bits", "accepted is an IPv4 range"],
    ),
    "the same range twice": (
        {"adminCidrs": ["203.0.113.7/32"] * 2},
        ["adminCidrs", "203.0.113.7/32 twice", "name each once"],
    ),
    "IPv6": (
        {"vpcCidr": "fd00::/64"},
        ["vpcCidr", "'fd00::/64'", "accepted is an IPv4 range from /16 to /28"],
    ),
    "a network mask": (
        {"podCidr": "10.244.0.0/255.255.0.0"},
        ["podCidr", "'10.244.0.0/255.255.0.0'", "it is written 10.244.0.0/16"],
    ),
    "pods inside the VPC": (
        {"podCidr": "10.0.128.0/17"},
        ["vpcCidr 10.0.0.0/16 overlaps podCidr 10.0.128.0/17", "choose ranges that do not meet"],
    ),
    "Services among the pods": (
        {"serviceCidr": "10.244.0.0/16"},
        ["podCidr 10.244.0.0/16 overlaps serviceCidr 10.244.0.0/16"],
    ),
    "the VPC among the Services": (
        {"vpcCidr": "10.100.0.0/16"},
        ["vpcCidr 10.100.0.0/16 overlaps serviceCidr 10.96.0.0/12"],
    ),
    "over the metadata": (
        {"podCidr": "169.254.0.0/16"},
        ["podCidr 169.254.0.0/16", "link-local", "choose a private range"],
    ),
    "too many nodes for the pods": (
        {"podCidr": "10.244.0.0/23", **pools(count=5)},
        ["podCidr 10.244.0.0/23 holds 2 nodes", "widen podCidr"],
    ),
    "too many nodes for the subnet": (
        {"vpcCidr": "10.0.0.0/28", **pools(count=20)},
        ["vpcCidr 10.0.0.0/28 leaves 11 addresses", "22 nodes", "widen vpcCidr or lower the pools' count"],
    ),
    "too many nodes for the largest subnet": (
        {
            "vpcCidr": "10.0.0.0/16",
            "podCidr": "11.0.0.0/8",
            "nodePools": [LINUX | {"name": n, "count": 1000} for n in "abcde"],
            "workloads": False,
        },
        [
            "leaves 4091 addresses in 10.0.0.0/20",
            "5001 nodes",
            "name more availabilityZones or lower the pools' count",
        ],
    ),
    "too many zones for the VPC": (
        {"vpcCidr": "10.0.0.0/28", "availabilityZones": ["eu-west-1a", "eu-west-1b"]},
        ["vpcCidr: 10.0.0.0/28 cannot hold 2 subnets", "widen vpcCidr or name fewer availabilityZones"],
    ),
    "a zone is no region": (
        {"availabilityZones": ["eu-west-1"]},
        ["availabilityZones", "eu-west-1", "an availability zone, e.g. eu-west-1a"],
    ),
    "a zone twice": (
        {"availabilityZones": ["eu-west-1a"] * 2},
        ["availabilityZones", "eu-west-1a twice", "name each once"],
    ),
    "host-gw over zones": (
        {"flannelBackend": "host-gw", "availabilityZones": ["eu-west-1a", "eu-west-1b"]},
        ["flannelBackend is 'host-gw'", "one subnet", "name one, or use vxlan"],
    ),
    "unknown backend": (
        {"flannelBackend": "wireguard"},
        ["flannelBackend", "'wireguard'", "accepted is one of vxlan, host-gw"],
    ),
    "arm64": (
        pools(instanceType="t4g.large"),
        ["nodePools[0].instanceType", "'t4g.large'", "amd64", "choose e.g. t3.large"],
    ),
    "arm64 control plane": (
        {"controlPlane": {"instanceType": "m7gd.large"}},
        ["controlPlane.instanceType", "'m7gd.large'", "arm64"],
    ),
    "no type": (
        pools(instanceType="large"),
        ["nodePools[0].instanceType", "'large'", "an EC2 instance type, e.g. t3.large"],
    ),
    "a small disk": (
        {"controlPlane": {"diskSizeGb": 8}},
        ["controlPlane.diskSizeGb", "8", "accepted is a whole number from 20 to 16384"],
    ),
    "a small Windows disk": (
        {"nodePools": [LINUX, WINDOWS | {"diskSizeGb": 30}]},
        ["nodePools[1].diskSizeGb", "30", "from 50 to 16384"],
    ),
    "less than no nodes": (
        pools(count=-1),
        ["nodePools[0].count", "-1", "accepted is a whole number from 0 to 1000"],
    ),
    "half a node": (pools(count=1.5), ["nodePools[0].count", "1.5"]),
    "a boolean is no number": (pools(count=True), ["nodePools[0].count", "True"]),
    "no name": (
        {"nodePools": [{"os": "ubuntu-24.04"}, WINDOWS]},
        ["nodePools[0].name is missing", "e.g. linux"],
    ),
    "a name in capitals": (
        pools(name="Linux"),
        ["nodePools[0].name", "'Linux'", "lower-case letters, digits and hyphens"],
    ),
    "two pools of one name": (
        {"nodePools": [LINUX, WINDOWS | {"name": "linux"}]},
        ["nodePools has two pools named 'linux'", "give each pool its own"],
    ),
    "the control plane's name": (
        pools(name="control-plane"),
        ["nodePools has a pool named 'control-plane'", "choose another"],
    ),
    "no Windows node": (
        {"nodePools": [LINUX]},
        ["workloads is true", "no pool has a windows node", "add a pool or set workloads to false"],
    ),
    "only empty pools": (pools(count=0), ["workloads is true", "no pool has a linux node"]),
    "a label of Kubernetes'": (
        pools(labels={"kubernetes.io/os": "plan9"}),
        ["nodePools[0].labels", "kubernetes.io/os", "outside the kubernetes.io domains"],
    ),
    "a label's end": (
        pools(labels={"team": "cards-"}),
        ["nodePools[0].labels", "team", "e.g. team: payments"],
    ),
    "a label is a text": (pools(labels={"blue": True}), ["nodePools[0].labels", "blue"]),
    "no effect": (
        pools(taints=["dedicated=ci"]),
        ["nodePools[0].taints", "dedicated=ci", "key=value:Effect"],
    ),
    "unknown effect": (pools(taints=["dedicated=ci:Never"]), ["nodePools[0].taints", "dedicated=ci:Never"]),
    "two taints in one place": (
        pools(taints=["a=b:NoSchedule", "a=c:NoSchedule"]),
        ["nodePools[0].taints has a with NoSchedule twice"],
    ),
    "the taint of Windows": (
        {"nodePools": [LINUX, WINDOWS | {"taints": ["os=windows:NoSchedule"]}]},
        ["nodePools[1].taints has os with NoSchedule twice", "every Windows node has it already"],
    ),
    "a key of a pool": (
        pools(instancetype="t3.large"),
        ["nodePools[0].instancetype is not a known key", "instanceType"],
    ),
    "a key of the control plane": (
        {"controlPlane": {"count": 3}},
        ["controlPlane.count is not a known key", "diskSizeGb, instanceType"],
    ),
    "an unknown key": ({"adminCIDRs": ["203.0.113.7/32"]}, ["adminCIDRs is not a known key", "adminCidrs"]),
    "a key of two lines": ({"a\nb": "c"}, [r"'a\nb' is not a known key"]),
    "pools are a list": ({"nodePools": {"linux": 1}}, ["nodePools", "accepted is a list of objects"]),
    "the control plane is an object": (
        {"controlPlane": ["t3.medium"]},
        ["controlPlane", "accepted is an object"],
    ),
    "a boolean is true or false": ({"workloads": "yes"}, ["workloads", "'yes'", "accepted is true or false"]),
    "minutes are a number": (
        {"readyTimeoutMinutes": "soon"},
        ["readyTimeoutMinutes", "'soon'", "from 1 to 240"],
    ),
    "a mirror of another protocol": (
        {"artifactMirror": "s3://bucket/path"},
        ["artifactMirror", "'s3://bucket/path'", "an http(s) URL"],
    ),
    "a mirror with a slash": (
        {"registryMirror": "http://10.0.0.9:5000/"},
        ["registryMirror", "without a slash at its end"],
    ),
    "a date without a zone": (
        {"expiresAt": "2027-01-31T18:00:00"},
        ["expiresAt", "'2027-01-31T18:00:00'", "a date and time with its zone"],
    ),
    "a week": (
        {"expiresAt": "2027-W04-7T18:00:00Z"},
        ["expiresAt", "'2027-W04-7T18:00:00Z'", "e.g. 2027-01-31T18:00:00Z"],
    ),
    "a day that never comes": (
        {"expiresAt": "2027-02-30T18:00:00Z"},
        ["expiresAt", "'2027-02-30T18:00:00Z'", "a date that the calendar has"],
    ),
    "an owner that no tag takes": (
        {"owner": "me <me@example.org>"},
        ["owner", "'me <me@example.org>'", "up to 128 letters, digits"],
    ),
    "an owner of AWS'": ({"owner": "AWS:me"}, ["owner", "'AWS:me'", "not beginning with aws:"]),
    "an owner with a blank behind": ({"owner": "me "}, ["owner", "'me '", "no blank at an end"]),
    "a key pair with a blank before": ({"keyName": " key"}, ["keyName", "' key'", "no blank at an end"]),
    "a key pair of emoji": ({"keyName": "\N{KEY}"}, ["keyName", "the name of an EC2 key pair"]),
    "a boundary by its name": (
        {"permissionsBoundary": "previews"},
        ["permissionsBoundary", "'previews'", "the ARN of an IAM policy"],
    ),
    "a key by its alias": (
        {"kmsKeyId": "alias/documents"},
        ["kmsKeyId", "'alias/documents'", "the id or the ARN of a KMS key (no alias)"],
    ),
    "a role for a boundary": (
        {"permissionsBoundary": "arn:aws:iam::123456789012:role/x"},
        ["permissionsBoundary", "the ARN of an IAM policy"],
    ),
    "a check of kubeadm": (
        {"ignorePreflightErrors": ["Num CPU"]},
        ["ignorePreflightErrors", "Num CPU", "the name of a kubeadm preflight check"],
    ),
    "all checks and one more": (
        {"ignorePreflightErrors": ["All", "NumCPU"]},
        ["ignorePreflightErrors names all and others", "name all alone"],
    ),
    "no such bill": (
        {"bom": "bom/none.json"},
        ["bom ", "none.json cannot be read", "name a file that is there"],
    ),
    "a bill of another version": (
        {"kubernetesVersion": "1.34.11", "bom": "bom/1.35.8.json"},
        ["bom ", "is for Kubernetes 1.35.8, but kubernetesVersion is 1.34.11", "name a file for 1.34.11"],
    ),
}
