"""Machine images: the publishers' own SSM parameter names the current one of each operating system."""

import pulumi
import pulumi_aws as aws

from .matrix import OperatingSystem


def ami_id(os: OperatingSystem, parent: pulumi.Resource) -> pulumi.Output[str]:
    """The current AMI. It moves about monthly: instances ignore a change of it, or every patch day would replace the cluster."""
    parameter = aws.ssm.get_parameter_output(name=os.ami_parameter, opts=pulumi.InvokeOutputOptions(parent=parent))
    # A public parameter: not a secret, although the SDK has to treat every parameter value as one.
    return pulumi.Output.unsecret(parameter.value)
