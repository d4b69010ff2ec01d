"""Stand in for a Windows instance: do on Linux everything that a Windows node does to a cluster.

It is not Windows, and says so in log lines, the node's label and annotation, the status detail and pod
events. Real are the instance's user-data and role, the join document, the TLS bootstrap and the node's
identity, NodeRestriction, the lease, flanneld and its VXLAN, the C# of CCAuth (compiled and run by Mono) and
the probes. Not real are PowerShell, HNS, containerd and kube-proxy.
"""
