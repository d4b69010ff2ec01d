#!/usr/bin/env bash
STACK=dev
REGION=eu-west-1
NODE_NAME=linux-0
KUBERNETES_VERSION=1.34.11
ARTIFACTS='containerd http://files.example.org:8080/mirror/github.com/containerd/containerd/releases/download/v2.2.7/containerd-2.2.7-linux-amd64.tar.gz 91cd216ea26a1b8b512219d3f205375c967e7b7de4dae571bc3dd16bfacd34b5
runc http://files.example.org:8080/mirror/github.com/opencontainers/runc/releases/download/v1.3.6/runc.amd64 3f3921dbbee7723e9868f97e88e51ffc910206e3ba55646e74d93d24ea76023c
cni-plugins http://files.example.org:8080/mirror/github.com/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz b98f74a0f8522f0a83867178729c1aa70f2158f90c45a2ca8fa791db1c76b303
kubeadm http://files.example.org:8080/mirror/dl.k8s.io/release/v1.34.11/bin/linux/amd64/kubeadm bd3cbe40aff6c7b3b939243ebd80dbd7da207c0e594cfdd434295bf553ea7351
kubelet http://files.example.org:8080/mirror/dl.k8s.io/release/v1.34.11/bin/linux/amd64/kubelet 4777a226b2ba3c1d656254bcf3f7ad471bf210042f361094216e51ab4fa9b4b6'
PAUSE_IMAGE=registry.k8s.io/pause:3.10.2
PREPULL_IMAGES='registry.k8s.io/kube-proxy:v1.34.11 ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3 ghcr.io/flannel-io/flannel:v0.28.9 docker.io/nginxinc/nginx-unprivileged:1.30.5-alpine-slim'
REGISTRY_MIRROR=https://registry.example.org
KUBEADM_CONFIG='"apiVersion": "kubeadm.k8s.io/v1beta4"
"kind": "JoinConfiguration"
"discovery":
  "bootstrapToken":
    "apiServerEndpoint": "@API_ENDPOINT@"
    "token": "@TOKEN@"
    "caCertHashes":
    - "@CA_HASH@"
"nodeRegistration":
  "name": "linux-0"
  "criSocket": "unix:///run/containerd/containerd.sock"
  "ignorePreflightErrors": []
  "kubeletExtraArgs": []
  "taints": []
"timeouts":
  "discovery": "1m0s"
'
CONTROL_PLANE_ID=i-0123456789abcdef0
#:: userdata/linux/common.sh
#:: userdata/linux/machine.sh
#:: userdata/linux/worker.sh
