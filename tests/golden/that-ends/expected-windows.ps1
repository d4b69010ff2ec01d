<powershell>
$StackName = 'dev'
$Region = 'eu-west-1'
$NodeName = 'windows-0'
$ControlPlaneInstanceId = 'i-0123456789abcdef0'
$ScriptBucket = 'dev-scripts-1234567'
$ScriptKey = 'windows-node-0123456789ab.ps1'
$ScriptSha256 = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'
$KubernetesVersion = '1.35.8'
$ContainerdVersion = '2.2.7'
$Artifacts = @{'kubernetes-node' = @{'Urls' = @('https://dl.k8s.io/v1.35.8/kubernetes-node-windows-amd64.tar.gz'); 'Sum' = 'sha512:42ce23c875b9c905d617566962d1c8766e22e6c0df77f1fba8355da586adec2424929bc5e8a91a6acc3faf2697d8433e36fe282b2d0cf3bfba1eadfcedd25fbb'}; 'containerd' = @{'Urls' = @('https://github.com/containerd/containerd/releases/download/v2.2.7/containerd-2.2.7-windows-amd64.tar.gz'); 'Sum' = 'sha256:ab10d86a2cae781b9ff67c6a5edecb93ad837e6ab799f447492b2fcc3547e44c'}; 'cni-plugins' = @{'Urls' = @('https://github.com/containernetworking/plugins/releases/download/v1.9.1/cni-plugins-windows-amd64-v1.9.1.tgz'); 'Sum' = 'sha256:c09a62523d76b32b883b6a9ee824c997b5c3cc8b3caebc8612c2f64fbbe97334'}; 'flanneld.exe' = @{'Urls' = @('https://github.com/flannel-io/flannel/releases/download/v0.28.9/flanneld.exe'); 'Sum' = 'sha256:7d43b3de5635891e68b36458d912a94c2eb94e15d878d486f539309db5845861'}; 'flannel-cni.exe' = @{'Urls' = @('https://github.com/flannel-io/cni-plugin/releases/download/v1.9.1-flannel3/flannel-amd64.exe'); 'Sum' = 'sha256:768c4a04e6ee3f7e3f9280488359b7e4bba4220246795261994a77a366860cc6'}; 'PrepareNode.ps1' = @{'Urls' = @('https://raw.githubusercontent.com/kubernetes-sigs/sig-windows-tools/401ee6fcd8369cd8c293bd361275fdbe6f24ed07/hostprocess/PrepareNode.ps1'); 'Sum' = 'sha256:5fb75bb136b83be01bae3225e0ddf7120647626d3c794bc9baf6d718dcc0c4d8'}; 'nssm' = @{'Urls' = @('https://nssm.cc/release/nssm-2.24.zip', 'https://k8stestinfrabinaries.blob.core.windows.net/nssm-mirror/nssm-2.24.zip'); 'Sum' = 'sha256:727d1e42275c605e0f04aba98095c38a8e1e46def453cdffce42869428aa6743'}}
$PauseImage = 'registry.k8s.io/pause:3.10.2'
$PrepullImages = @('mcr.microsoft.com/dotnet/framework/wcf:4.8-20260714-windowsservercore-ltsc2019')
$RegistryMirror = ''
$FlannelBackend = 'vxlan'
$FlannelNetConf = '{"Network": "10.244.0.0/16", "EnableNFTables": false, "Backend": {"Type": "vxlan", "VNI": 4096, "Port": 4789}}'
$PodCidr = '10.244.0.0/16'
$ServiceCidr = '10.96.0.0/12'
$NodeCidr = '10.0.0.0/16'
$JoinConfiguration = '"apiVersion": "kubeadm.k8s.io/v1beta4"
"kind": "JoinConfiguration"
"discovery":
  "bootstrapToken":
    "apiServerEndpoint": "@API_ENDPOINT@"
    "token": "@TOKEN@"
    "caCertHashes":
    - "@CA_HASH@"
"nodeRegistration":
  "name": "windows-0"
  "criSocket": "npipe:////./pipe/containerd-containerd"
  "ignorePreflightErrors": []
  "kubeletExtraArgs": []
  "taints":
  - "key": "os"
    "value": "windows"
    "effect": "NoSchedule"
"timeouts":
  "discovery": "1m0s"
'
$ExpiryParameter = '/microcosm/dev/expiry'
#:: userdata/windows/bootstrap.ps1
</powershell>
<persist>true</persist>
