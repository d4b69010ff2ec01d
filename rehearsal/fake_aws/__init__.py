"""The fake cloud: a moto server with patches for the behaviour and the refusals of AWS on which this project
depends.

It stands in for AWS and is never AWS itself. `python -m rehearsal.fake_aws` runs it;
`rehearsal.fake_aws.process` starts and stops it.
"""
