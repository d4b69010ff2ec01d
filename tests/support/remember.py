"""Cache values that boto3 and moto compute for each client and each request."""

import functools
import sys

from botocore.loaders import JSONFileLoader


def remember() -> None:
    """Install the caches once per test session, after the tests have been imported."""
    # Every session reads the models of the services from files: 2.5 MB for EC2 alone.
    read, loader = JSONFileLoader.load_file, JSONFileLoader()
    known = functools.cache(lambda path: read(loader, path))
    JSONFileLoader.load_file = lambda _, path: known(path)
    # Every request lists the methods of the service's class.
    if responses := sys.modules.get("moto.core.responses"):
        responses.method_names_from_class = functools.cache(responses.method_names_from_class)
