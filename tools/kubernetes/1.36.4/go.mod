module microcosm.local/tools/kubernetes/1.36.4

go 1.26.3

require (
	github.com/containerd/containerd/v2 v2.3.4
	github.com/coredns/coredns v1.14.2
	go.etcd.io/etcd/server/v3 v3.6.8
	k8s.io/kubernetes v1.36.4
)
