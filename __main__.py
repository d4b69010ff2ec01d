"""Microcosm: a mixed Linux and Windows Kubernetes cluster on AWS, by kubeadm.

`pulumi up` builds it, `pulumi destroy` leaves nothing.
"""

import gc

# The SDKs are a million objects that stay until the end. While they are made, and the stack with them, the
# collector finds nothing and takes a third of the time (docs/evidence/benchmarks.md); afterwards it need not
# look at them.
gc.disable()

import pulumi  # noqa: E402

from infra.cluster import Cluster  # noqa: E402
from infra.config import model as config  # noqa: E402

cluster = Cluster(config.load())

# for operators
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("apiAddress", cluster.api_address)
pulumi.export("nodes", cluster.nodes)
pulumi.export("access", cluster.access)

# for the people who look at the preview
pulumi.export("pageUrl", cluster.page_url)
pulumi.export("serviceUrls", cluster.service_urls)

gc.freeze()
gc.enable()
