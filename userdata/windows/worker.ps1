# worker.ps1: what makes a Windows node: files, command lines, the table of its phases; then the walk. It runs
# at every start of Windows. A phase whose result is there is passed over, so it may be cut off anywhere.
#
# Inputs (assigned by bootstrap.ps1 from what the program wrote):
#   StackName Region NodeName ControlPlaneInstanceId   its place; the last one alone may say how to join
#   KubernetesVersion ContainerdVersion                without v, e.g. 1.35.8
#   Artifacts          every download: name -> @{ Urls = @(...); Sum = 'sha256:...' or 'sha512:...' }
#   PauseImage PrepullImages RegistryMirror            images; the mirror may be ''
#   FlannelBackend     'vxlan' or 'host-gw'
#   FlannelNetConf     flanneld's configuration, JSON; the same as on the Linux nodes
#   PodCidr ServiceCidr NodeCidr                       NodeCidr is the VPC's range
#   ExpiryParameter    the parameter that says when the machine ends itself; '' when its stack does not end
#   JoinConfiguration  YAML for kubeadm with @API_ENDPOINT@ @TOKEN@ @CA_HASH@

# --- where things are ---

$ContainerdConfigFile = "$env:ProgramFiles\containerd\config.toml"
$ContainerdPipe = '\\.\pipe\containerd-containerd'
$KubeletKubeconfig = 'C:\etc\kubernetes\kubelet.conf'
$NetworkKubeconfig = 'C:\k\network.kubeconfig'
$JoinFile = "$Root\join.yaml"
$ConflistFile = 'C:\etc\cni\net.d\10-flannel.conflist'
$SourceVipFile = 'C:\k\source-vip.json'
$PkiLink = 'C:\var\lib\kubelet\etc\kubernetes\pki'
$FlannelReadyUrl = 'http://127.0.0.1:8081/readyz'
$KubeProxyHealthUrl = 'http://127.0.0.1:10256/healthz'

# --- command lines ---

$ContainerdArguments = @(
    '--config', $ContainerdConfigFile, '--register-service'
    '--log-file', 'C:\var\log\containerd\containerd.log'
)
$KubeadmArguments = @('join', '--config=C:\microcosm\join.yaml')
$KubeletArguments = @(
    '--config=C:\var\lib\kubelet\config.yaml'
    '--bootstrap-kubeconfig=C:\etc\kubernetes\bootstrap-kubelet.conf'
    '--kubeconfig=C:\etc\kubernetes\kubelet.conf'
    '--cert-dir=C:\var\lib\kubelet\pki'
    '--hostname-override=@NODE_NAME@'
    '--node-ip=@NODE_IP@'
    '--cgroups-per-qos=false'
    '--enforce-node-allocatable='
    '--resolv-conf='
    '--windows-priorityclass=ABOVE_NORMAL_PRIORITY_CLASS'
)
# No --ip-masq: flannel.exe would hand it on, and win-overlay add a second NAT policy beside the conflist's
# own (flannel-io/cni-plugin 092e6d2, flannel_windows.go; containernetworking/plugins v1.9.1,
# pkg/hns/netconf_windows.go).
$FlanneldArguments = @(
    '--kube-subnet-mgr'
    '--kubeconfig-file=C:\k\network.kubeconfig'
    '--net-config-path=C:\k\net-conf.json'
    '--iface=@NODE_IP@'
    '--iptables-forward-rules=false'
    '--healthz-ip=127.0.0.1'
    '--healthz-port=8081'
)
# No feature gates: WinOverlay and WinDSR are locked on since 1.34, and naming them fails once they are gone.
$KubeProxyArguments = @(
    '--proxy-mode=kernelspace'
    '--kubeconfig=C:\k\network.kubeconfig'
    '--hostname-override=@NODE_NAME@'
    '--bind-address=@NODE_IP@'
    '--network-name=@NETWORK@'
    '--enable-dsr=true'
)

# What PrepareNode.ps1 downloads, by the last part of its URLs, and what it gets.
$PrepareNodeDownloads = @{
    'kubelet.exe' = "$Root\kubernetes\kubelet.exe"
    'kubeadm.exe' = "$Root\kubernetes\kubeadm.exe"
    'nssm-2.24.zip' = "$Root\downloads\nssm"
}
# What kubeadm and the kubelet leave of a join that has succeeded.
$JoinedFiles = @(
    $KubeletKubeconfig, 'C:\etc\kubernetes\pki\ca.crt', 'C:\var\lib\kubelet\config.yaml'
    'C:\var\lib\kubelet\kubeadm-flags.env'
)
$JoinLeftovers = $JoinedFiles + @(
    'C:\etc\kubernetes\bootstrap-kubelet.conf', 'C:\var\lib\kubelet\instance-config.yaml'
    'C:\var\lib\kubelet\pki\kubelet-client*'
    "$Root\join.sums"
)
$Services = @('containerd', 'kubelet', 'flanneld', 'kube-proxy')

# --- files ---

$RegistryHosts = @'
[host."@REGISTRY_MIRROR@"]
  capabilities = ["pull", "resolve"]
'@

# By containerd's major version. The default of 5 minutes without progress is too short for unpacking a
# Windows layer.
$ContainerdConfigs = @{
    '1' = @'
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "@PAUSE_IMAGE@"
  image_pull_progress_timeout = "30m"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = 'C:\opt\cni\bin'
  conf_dir = 'C:\etc\cni\net.d'

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = 'C:\etc\containerd\certs.d'
'@
    '2' = @'
version = 3

[plugins.'io.containerd.cri.v1.images']
  image_pull_progress_timeout = "30m"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "@PAUSE_IMAGE@"

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = 'C:\etc\containerd\certs.d'

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['C:\opt\cni\bin']
  conf_dir = 'C:\etc\cni\net.d'
'@
}

$HostLocalConfig = @'
{"cniVersion": "1.0.0", "name": "@NETWORK@", "ipam": {
  "type": "host-local", "ranges": [[{"subnet": "@SUBNET@"}]], "dataDir": "/var/lib/cni/networks"}}
'@

# By Flannel's backend. Name is the HNS network's, which flanneld gives it, and the conflist must have the
# same. The three ACLs keep pods from the machine's credentials: HNS need not count a hop of theirs, and the
# hop limit would not hold. A list with a rule needs one that allows the rest (aws/amazon-vpc-cni-plugins
# 0a009ba, network/imds).
$Networks = @{
    'vxlan' = @{
        Name = 'flannel.4096'
        KubeProxyArguments = @('--source-vip=@SOURCE_VIP@')
        Conflist = @'
{
  "name": "flannel.4096",
  "cniVersion": "1.0.0",
  "plugins": [{
    "type": "flannel",
    "capabilities": {"dns": true},
    "delegate": {
      "type": "win-overlay",
      "apiVersion": 2,
      "policies": [
        {"name": "EndpointPolicy", "value": {"Type": "OutBoundNAT", "Settings": {
          "Exceptions": ["@POD_CIDR@", "@SERVICE_CIDR@"]}}},
        {"name": "EndpointPolicy", "value": {"Type": "SDNRoute", "Settings": {
          "DestinationPrefix": "@SERVICE_CIDR@", "NeedEncap": true}}},
        {"name": "EndpointPolicy", "value": {"Type": "ProviderAddress", "Settings": {
          "ProviderAddress": "@NODE_IP@"}}},
        {"name": "EndpointPolicy", "value": {"Type": "ACL", "Settings": {
          "Action": "Block", "Direction": "Out", "RemoteAddresses": "169.254.169.254/32",
          "RuleType": "Switch", "Priority": 200}}},
        {"name": "EndpointPolicy", "value": {"Type": "ACL", "Settings": {
          "Action": "Allow", "Direction": "In", "RuleType": "Switch", "Priority": 300}}},
        {"name": "EndpointPolicy", "value": {"Type": "ACL", "Settings": {
          "Action": "Allow", "Direction": "Out", "RuleType": "Switch", "Priority": 300}}}
      ]
    }
  }]
}
'@
    }
    'host-gw' = @{
        Name = 'cbr0'
        KubeProxyArguments = @()
        Conflist = @'
{
  "name": "cbr0",
  "cniVersion": "1.0.0",
  "plugins": [{
    "type": "flannel",
    "capabilities": {"dns": true, "portMappings": true},
    "delegate": {
      "type": "win-bridge",
      "apiVersion": 2,
      "policies": [
        {"name": "EndpointPolicy", "value": {"Type": "OutBoundNAT", "Settings": {
          "Exceptions": ["@POD_CIDR@", "@SERVICE_CIDR@", "@NODE_CIDR@"]}}},
        {"name": "EndpointPolicy", "value": {"Type": "SDNRoute", "Settings": {
          "DestinationPrefix": "@SERVICE_CIDR@", "NeedEncap": true}}},
        {"name": "EndpointPolicy", "value": {"Type": "SDNRoute", "Settings": {
          "DestinationPrefix": "@NODE_IP@/32", "NeedEncap": true}}},
        {"name": "EndpointPolicy", "value": {"Type": "ACL", "Settings": {
          "Action": "Block", "Direction": "Out", "RemoteAddresses": "169.254.169.254/32",
          "RuleType": "Switch", "Priority": 200}}},
        {"name": "EndpointPolicy", "value": {"Type": "ACL", "Settings": {
          "Action": "Allow", "Direction": "In", "RuleType": "Switch", "Priority": 300}}},
        {"name": "EndpointPolicy", "value": {"Type": "ACL", "Settings": {
          "Action": "Allow", "Direction": "Out", "RuleType": "Switch", "Priority": 300}}}
      ]
    }
  }]
}
'@
    }
}

# --- phases ---

$Phases = @(
    @{ Name = 'feature'; Test = { Confirm-Feature }; Action = { Install-Feature }; ExitCode = 10 }
    @{ Name = 'reboot'; Test = { Confirm-Restart }; Action = { Restart-ForFeature }; ExitCode = 11 }
    @{ Name = 'download'; Test = { Confirm-Download }; Action = { Save-Download }; ExitCode = 12 }
    @{ Name = 'containerd'; Test = { Confirm-Containerd }; Action = { Install-Containerd }; ExitCode = 13 }
    @{ Name = 'prepare-node'; Test = { Confirm-Node }; Action = { Install-Node }; ExitCode = 14 }
    @{ Name = 'join'; Test = { Confirm-Join }; Action = { Join-Cluster }; ExitCode = 15 }
    @{ Name = 'flannel'; Test = { Confirm-Flannel }; Action = { Install-Flannel }; ExitCode = 16 }
    @{ Name = 'kube-proxy'; Test = { Confirm-KubeProxy }; Action = { Install-KubeProxy }; ExitCode = 17 }
    @{ Name = 'ready'; Test = { Confirm-Ready }; Action = { Wait-Ready }; ExitCode = 18 }
)

# Whatever ends this script is reported here with its reason, or by run.ps1, which knows the names that a
# report needs.
try {
    try {
        Start-Transcript -Append -Path "$Root\node.log" | Out-Null
    }
    catch { Write-Log "no $Root\node.log: $_" }
    # The inputs, as bootstrap.ps1 has kept them.
    foreach ($item in (Import-Clixml -Path "$Root\inputs.xml").GetEnumerator()) {
        Set-Variable -Name $item.Key -Value $item.Value
    }
    $State = Read-State
    $Network = $Networks[$FlannelBackend]
    Assert-That ([bool] $Network) "FlannelBackend is '$FlannelBackend', and not one of $($Networks.Keys)"
    Remove-File $JoinFile   # of a run that was cut off; it holds the token
    # flanneld starts with Windows, and its network takes the routes; the task that repairs them may not have
    # run yet.
    if (Test-Path $RouteScript) { try { Repair-MetadataRoute } catch { Write-Log "$_" } }
    Find-Instance
    Invoke-Plan $Phases
}
catch {
    Write-Log "$_ $($_.InvocationInfo.PositionMessage)"
    $known = Get-Variable -Name State, NodeName, StackName, Region -ErrorAction SilentlyContinue
    if (@($known).Count -lt 4) { exit 1 }
    Send-LastReport $Run.phase 'failed' "$_"
    exit $ExitScript
}
