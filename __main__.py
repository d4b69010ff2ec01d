"""Microcosm: a mixed Linux and Windows Kubernetes cluster on AWS, by kubeadm. `pulumi up` builds it, `pulumi destroy` leaves nothing."""

import pulumi

from infra import config
from infra.cluster import Cluster

cluster = Cluster(config.load())

# for operators
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("apiAddress", cluster.api_address)
pulumi.export("nodes", cluster.nodes)
pulumi.export("access", cluster.access)

# for the people who look at the preview
pulumi.export("pageUrl", cluster.page_url)
pulumi.export("serviceUrls", cluster.service_urls)
