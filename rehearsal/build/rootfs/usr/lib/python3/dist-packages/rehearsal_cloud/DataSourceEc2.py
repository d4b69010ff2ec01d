# pyright: basic, reportMissingImports=false
"""cloud-init's EC2 data source, told that this machine is on EC2.

cloud-init asks for an IMDSv2 token only where the DMI table says that it is on AWS, and it never reads that
table inside a container (cloudinit/dmi.py). Everything else is its own code. Found through
`datasource_pkg_list`.
"""

from cloudinit import sources
from cloudinit.sources import DataSourceEc2 as ec2


class DataSourceEc2(ec2.DataSourceEc2):
    """The network stage only: the machine has its address before it boots."""

    def _get_cloud_name(self) -> str:
        return ec2.CloudNames.AWS


def get_datasource_list(depends: tuple[str, ...]) -> list[type]:
    return sources.list_from_depends(
        depends, [(DataSourceEc2, (sources.DEP_FILESYSTEM, sources.DEP_NETWORK))]
    )
