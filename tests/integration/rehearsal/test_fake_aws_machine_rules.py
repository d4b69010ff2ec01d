"""Test the patches of moto for machines, parameters and roles."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rehearsal.fake_aws.moto_patches import images
from rehearsal.fake_aws.moto_patches.corrections import CONSOLE_LIMIT, WINDOWS_ADMINISTRATOR
from rehearsal.fake_aws.moto_patches.machine_refusals import USER_DATA_LIMIT
from tests.support.small_network import UBUNTU, WINDOWS, refused

# --- launches ---------------------------------------------------------------------------------------------


def test_user_data_may_have_16384_bytes_before_it_is_encoded_and_no_more(network):
    assert network.launch(UserData=b"\x1f" * USER_DATA_LIMIT)
    with refused("InvalidParameterValue", "User data is limited to 16384 bytes"):
        network.launch(UserData=b"\x1f" * (USER_DATA_LIMIT + 1))


def test_a_root_volume_smaller_than_its_image_is_refused(network):
    with refused(
        "InvalidBlockDeviceMapping", "Volume of size 29GB is smaller than snapshot .*, expect size >= 30GB"
    ):
        network.launch(
            WINDOWS, BlockDeviceMappings=[{"DeviceName": images.ROOT_DEVICE, "Ebs": {"VolumeSize": 29}}]
        )


def test_an_instance_type_of_another_architecture_is_refused(network):
    with refused("InvalidParameterValue", "architecture 'arm64' .* does not match the architecture 'x86_64'"):
        network.launch(InstanceType="t4g.large")


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("10.0.0.10", "InvalidIPAddress.InUse", "Address 10.0.0.10 is in use"),
        ("10.1.0.10", "InvalidParameterValue", "does not fall within the subnet's address range"),
        ("10.0.0.3", "InvalidParameterValue", "reserved address range"),
        ("10.0.15.255", "InvalidParameterValue", "reserved address range"),
    ],
)
def test_a_private_address_that_cannot_be_had_is_refused(network, address, code, words):
    network.launch(PrivateIpAddress="10.0.0.10")
    with refused(code, words):
        network.launch(PrivateIpAddress=address)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ImageId": "ami-00000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t9.huge"}, "InvalidInstanceType"),
        ({"KeyName": "none"}, "InvalidKeyPair.NotFound"),
    ],
)
def test_motos_own_checks_are_on(ec2, network, arguments, code):
    given = {
        "ImageId": UBUNTU.id_in("eu-west-1"),
        "InstanceType": "t3.large",
        "SubnetId": network.subnet,
        "MinCount": 1,
        "MaxCount": 1,
        **arguments,
    }
    with refused(code):
        ec2.run_instances(**given)


@pytest.mark.parametrize(
    "attribute",
    [{"InstanceType": {"Value": "t3.medium"}}, {"UserData": {"Value": b"#!"}}],
    ids=lambda value: next(iter(value)),
)
def test_type_and_user_data_of_a_running_instance_cannot_be_changed(ec2, network, attribute):
    instance = network.launch()["InstanceId"]
    with refused("IncorrectInstanceState", "is not in the 'stopped' state"):
        ec2.modify_instance_attribute(InstanceId=instance, **attribute)
    ec2.stop_instances(InstanceIds=[instance])
    ec2.modify_instance_attribute(InstanceId=instance, **attribute)


# --- parameters and roles ---------------------------------------------------------------------------------


def test_a_standard_parameter_holds_4096_bytes(session):
    ssm = session.client("ssm")
    ssm.put_parameter(Name="/full", Value="x" * 4096, Type="SecureString")
    with refused(
        "ValidationException", "a maximum parameter value of 4096 characters.*advanced-parameter tier"
    ):
        ssm.put_parameter(Name="/over", Value="x" * 4097, Type="SecureString")
    ssm.put_parameter(Name="/over", Value="x" * 4097, Type="SecureString", Tier="Advanced")


@pytest.mark.parametrize(
    "document", ["{", "{}", json.dumps({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]})]
)
def test_a_trust_policy_that_trusts_nobody_is_refused(session, document):
    with refused("MalformedPolicyDocument"):
        session.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document)


# --- machines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["us-west-2", "ap-southeast-7"])
def test_each_region_has_images_of_its_own(session, region):
    """An image belongs to one region: its id is unknown in another (EC2 user guide, "Copy an Amazon EC2
    AMI").
    """
    ssm, ec2 = (session.client(service, region_name=region) for service in ("ssm", "ec2"))
    for image in images.IMAGES:
        ami = ssm.get_parameter(Name=image.parameter)["Parameter"]["Value"]
        assert ec2.describe_images(ImageIds=[ami])["Images"][0]["Name"] == image.name
        assert ami != image.id_in("eu-west-1")


def test_the_publishers_parameters_lead_to_their_images(session, ec2):
    parameters = session.client("ssm").get_parameters(Names=[image.parameter for image in images.IMAGES][:9])[
        "Parameters"
    ]
    found = {
        image["ImageId"]: image
        for image in ec2.describe_images(ImageIds=[each["Value"] for each in parameters])["Images"]
    }
    windows = found[WINDOWS.id_in("eu-west-1")]

    assert len(found) == len(images.IMAGES)
    assert (windows["Platform"], windows["OwnerId"], windows["RootDeviceName"]) == (
        "windows",
        images.MICROSOFT,
        "/dev/sda1",
    )
    assert "Platform" not in found[UBUNTU.id_in("eu-west-1")]
    assert found[UBUNTU.id_in("eu-west-1")]["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 8


def test_a_root_volume_is_what_the_image_says_where_the_launch_does_not(ec2, network):
    machine = network.launch(
        WINDOWS, BlockDeviceMappings=[{"DeviceName": images.ROOT_DEVICE, "Ebs": {"Encrypted": True}}]
    )
    shown = network.show(machine)
    volume = ec2.describe_volumes(VolumeIds=[shown["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]])["Volumes"][
        0
    ]
    network.end(machine)

    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (30, "gp3", True)
    left = ec2.describe_volumes(Filters=[{"Name": "volume-id", "Values": [volume["VolumeId"]]}])["Volumes"]
    assert not left, "the root volume outlived its instance"


@pytest.mark.parametrize("latest", [{}, {"Latest": True}], ids=["plain", "latest"])
def test_the_console_shows_the_end_of_the_machines_own_log(ec2, network, machines, latest):
    machine = network.launch()["InstanceId"]
    assert ec2.get_console_output(InstanceId=machine, **latest)["Output"] == ""
    (machines / machine).mkdir()
    (machines / machine / "console.log").write_bytes(
        b"early\n" + b"x" * CONSOLE_LIMIT + b"cloud-init done \xff\n"
    )
    output = ec2.get_console_output(InstanceId=machine, **latest)["Output"]

    assert output.endswith("cloud-init done \ufffd\n")
    assert "early" not in output


def test_the_windows_password_opens_with_the_key_of_the_launch(ec2, network):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec2.import_key_pair(
        KeyName="admin",
        PublicKeyMaterial=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    )
    windows, linux = network.launch(WINDOWS, KeyName="admin"), network.launch(KeyName="admin")
    encrypted = base64.b64decode(ec2.get_password_data(InstanceId=windows["InstanceId"])["PasswordData"])

    assert key.decrypt(encrypted, padding.PKCS1v15()).decode() == WINDOWS_ADMINISTRATOR
    assert ec2.get_password_data(InstanceId=linux["InstanceId"])["PasswordData"] == ""


def test_a_reboot_reaches_the_machine(ec2, network, machines):
    """No state of an instance shows a reboot, so the machine host looks for this file in the machine's
    folder.
    """
    first, second = (network.launch()["InstanceId"] for _ in range(2))
    (machines / first).mkdir(parents=True)
    ec2.reboot_instances(InstanceIds=[first, second])
    assert (machines / first / "reboot").exists()
    assert not (machines / second).exists(), "a machine that is not there has nothing to reboot"
