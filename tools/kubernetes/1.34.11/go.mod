module microcosm.local/tools/kubernetes/1.34.11

go 1.25.0

require (
	github.com/containerd/containerd/v2 v2.2.7
	github.com/coredns/coredns v1.12.1
	go.etcd.io/etcd/server/v3 v3.6.5
	k8s.io/kubernetes v1.34.11
)
