module microcosm.local/tools/kubernetes/1.35.8

go 1.25.0

require (
	github.com/containerd/containerd/v2 v2.2.7
	github.com/coredns/coredns v1.13.1
	go.etcd.io/etcd/server/v3 v3.6.6
	k8s.io/kubernetes v1.35.8
)
