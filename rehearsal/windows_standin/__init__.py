"""The stand-in for a Windows instance: everything a Windows node does to a cluster, done by Linux.

It is not Windows and says so wherever it shows: log lines, the node's label and annotation, status detail, pod events.
What is real: the instance's user-data and role, the join document, the TLS bootstrap and the node's identity, NodeRestriction,
the lease, flanneld and its VXLAN, the C# of CCAuth (compiled and run by Mono), the probes. What is not: PowerShell, HNS,
containerd and kube-proxy on Windows.

Modules in the order in which a node comes up: inputs, metadata, rendezvous, bootstrap, node, network, pods; machine is the
list of phases; __main__ the command line.
"""
