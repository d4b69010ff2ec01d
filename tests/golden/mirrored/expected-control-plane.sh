#!/usr/bin/env bash
STACK=dev
REGION=eu-west-1
NODE_NAME=control-plane
KUBERNETES_VERSION=1.34.11
ARTIFACTS='containerd http://files.example.org:8080/mirror/github.com/containerd/containerd/releases/download/v2.2.7/containerd-2.2.7-linux-amd64.tar.gz 91cd216ea26a1b8b512219d3f205375c967e7b7de4dae571bc3dd16bfacd34b5
runc http://files.example.org:8080/mirror/github.com/opencontainers/runc/releases/download/v1.3.6/runc.amd64 3f3921dbbee7723e9868f97e88e51ffc910206e3ba55646e74d93d24ea76023c
cni-plugins http://files.example.org:8080/mirror/github.com/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz b98f74a0f8522f0a83867178729c1aa70f2158f90c45a2ca8fa791db1c76b303
kubeadm http://files.example.org:8080/mirror/dl.k8s.io/release/v1.34.11/bin/linux/amd64/kubeadm bd3cbe40aff6c7b3b939243ebd80dbd7da207c0e594cfdd434295bf553ea7351
kubelet http://files.example.org:8080/mirror/dl.k8s.io/release/v1.34.11/bin/linux/amd64/kubelet 4777a226b2ba3c1d656254bcf3f7ad471bf210042f361094216e51ab4fa9b4b6
kubectl http://files.example.org:8080/mirror/dl.k8s.io/release/v1.34.11/bin/linux/amd64/kubectl 8efbb9435132a190920eb65a47a8c1ecf755ad85ab57a600c9bedbab460bb7a8'
PAUSE_IMAGE=registry.k8s.io/pause:3.10.2
PREPULL_IMAGES='registry.k8s.io/kube-proxy:v1.34.11 ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3 ghcr.io/flannel-io/flannel:v0.28.9'
REGISTRY_MIRROR=https://registry.example.org
KUBEADM_CONFIG='"apiVersion": "kubeadm.k8s.io/v1beta4"
"kind": "InitConfiguration"
"nodeRegistration":
  "name": "control-plane"
  "criSocket": "unix:///run/containerd/containerd.sock"
  "ignorePreflightErrors": []
---
"apiVersion": "kubeadm.k8s.io/v1beta4"
"kind": "ClusterConfiguration"
"clusterName": "microcosm"
"kubernetesVersion": "v1.34.11"
"controlPlaneEndpoint": "@PRIVATE_IP@:6443"
"encryptionAlgorithm": "ECDSA-P256"
"networking":
  "podSubnet": "172.16.0.0/16"
  "serviceSubnet": "172.30.0.0/16"
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
