#!/usr/bin/env bash
STACK=dev
REGION=eu-west-1
NODE_NAME=control-plane
KUBERNETES_VERSION=1.35.8
ARTIFACTS='containerd https://github.com/containerd/containerd/releases/download/v2.2.7/containerd-2.2.7-linux-amd64.tar.gz 91cd216ea26a1b8b512219d3f205375c967e7b7de4dae571bc3dd16bfacd34b5
runc https://github.com/opencontainers/runc/releases/download/v1.3.6/runc.amd64 3f3921dbbee7723e9868f97e88e51ffc910206e3ba55646e74d93d24ea76023c
cni-plugins https://github.com/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz b98f74a0f8522f0a83867178729c1aa70f2158f90c45a2ca8fa791db1c76b303
kubeadm https://dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubeadm 1bbc64a2be5b300880ae9330c6bba592ec2a2b8ecb79c527b0c7cc0f44070e5e
kubelet https://dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubelet 6971b9f95e54dbed67a2271abe6e78f8cc2894494649f3cf39e4b25a82dca923
kubectl https://dl.k8s.io/release/v1.35.8/bin/linux/amd64/kubectl 874d5e72dbb819f43cff16bcd1e4f8bac5b7f2361fe1e55049b0a6c676fb0cbf'
PAUSE_IMAGE=registry.k8s.io/pause:3.10.2
PREPULL_IMAGES='registry.k8s.io/kube-proxy:v1.35.8 ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3 ghcr.io/flannel-io/flannel:v0.28.9'
REGISTRY_MIRROR=''
KUBEADM_CONFIG='"apiVersion": "kubeadm.k8s.io/v1beta4"
"kind": "InitConfiguration"
"nodeRegistration":
  "name": "control-plane"
  "criSocket": "unix:///run/containerd/containerd.sock"
  "ignorePreflightErrors":
  - "NumCPU"
  - "Mem"
---
"apiVersion": "kubeadm.k8s.io/v1beta4"
"kind": "ClusterConfiguration"
"clusterName": "microcosm"
"kubernetesVersion": "v1.35.8"
"controlPlaneEndpoint": "@PRIVATE_IP@:6443"
"encryptionAlgorithm": "ECDSA-P256"
"networking":
  "podSubnet": "10.244.0.0/16"
  "serviceSubnet": "10.96.0.0/12"
"apiServer":
  "certSANs":
  - "198.51.100.7"
"controllerManager":
  "extraArgs":
  - "name": "leader-elect-retry-period"
    "value": "1s"
  - "name": "kube-api-qps"
    "value": "100"
  - "name": "kube-api-burst"
    "value": "200"
"scheduler":
  "extraArgs":
  - "name": "leader-elect-retry-period"
    "value": "1s"
---
"apiVersion": "kubelet.config.k8s.io/v1beta1"
"kind": "KubeletConfiguration"
"serializeImagePulls": false
"maxParallelImagePulls": 4
'
PUBLIC_IP=198.51.100.7
#:: userdata/linux/common.sh
#:: userdata/linux/machine.sh
#:: userdata/linux/control-plane.sh
