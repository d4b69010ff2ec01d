"""A stand-in for Pulumi's `aws` provider plugin, over boto3: the types and functions that this project uses, and no others.

It is used only where the official plugin is not installed. It follows the official provider in what replaces, what is secret, what
drifts and what is refused; anything it does not know it refuses by name, rather than pretending.

    service.py     the gRPC service that the engine talks to
    wire.py        values of the wire <-> plain Python
    schema.py      checks inputs against the SDK's own types
    diff.py        what differs between the inputs and the state
    kind.py        what a resource type is; one subclass a type in network, security, compute, address, iam, ssm and s3
    aws.py         clients, tags, waiting, errors
    functions.py   data sources
"""
