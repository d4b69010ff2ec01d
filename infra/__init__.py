"""What the stack declares, in dependency order.

Pure (no Pulumi, no AWS):  errors, naming, netplan, matrix, bom, expiry, config, report, stuck
AWS:                       network, security, iam, images, rendezvous, userdata, control_plane, node_pool
Between the two layers:    cloud, readiness
Kubernetes:                policy, flannel, workloads
All of it, in boot order:  cluster
"""
