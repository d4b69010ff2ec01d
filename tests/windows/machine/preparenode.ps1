# preparenode.ps1: the programs of Kubernetes on the machine, and PrepareNode.ps1.

$Conflist = 'C:\etc\cni\net.d\10-flannel.conflist'
$KubeletConf = 'C:\etc\kubernetes\kubelet.conf'
$KubeletConfig = 'C:\var\lib\kubelet\config.yaml'
$KubeadmFlags = 'C:\var\lib\kubelet\kubeadm-flags.env'

function Get-PrepareNodeText {
    # What it does, as far as it can fail (kubernetes-sigs/sig-windows-tools 401ee6f,
    # hostprocess/PrepareNode.ps1).
    @'
Param([parameter(Mandatory = $true)] [string] $KubernetesVersion, [string] $HostnameOverride)
$ErrorActionPreference = 'Stop'
if (-not (Test-Path '//./pipe/containerd-containerd')) {
    Write-Error 'ContainerD service was not detected'
    exit 1
}
$undefined.of.strict.mode
mkdir -force C:\k
$env:Path += ';C:\k'
foreach ($name in 'kubelet.exe', 'kubeadm.exe') {
    curl.exe --silent --fail -Lo "C:\k\$name" "https://dl.k8s.io/$KubernetesVersion/bin/windows/amd64/$name"
}
foreach ($folder in 'C:\var\log\kubelet', 'C:\var\lib\kubelet\etc\kubernetes', 'C:\etc\kubernetes\pki') {
    mkdir -force $folder
}
New-Item -path C:\var\lib\kubelet\etc\kubernetes\pki -type SymbolicLink -value C:\etc\kubernetes\pki\
Set-Content -Path C:\k\StartKubelet.ps1 -Value 'their own'
mkdir -Force 'C:\Program Files\nssm'
$nssm = 'https://k8stestinfrabinaries.blob.core.windows.net/nssm-mirror/nssm-2.24.zip'
curl.exe --silent --fail -Lo nssm.zip $nssm
tar C 'C:\Program Files\nssm' -xvf .\nssm.zip --strip-components 2 */win64/*.exe
Remove-Item -Force .\nssm.zip
$env:path += ';C:\Program Files\nssm'
nssm install kubelet C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe C:\k\StartKubelet.ps1
nssm set kubelet AppStdout C:\var\log\kubelet\kubelet.out.log
nssm set kubelet AppStderr C:\var\log\kubelet\kubelet.err.log
nssm set kubelet AppRotateFiles 1
nssm set kubelet DependOnService containerd
$rule = @{ Name = 'kubelet'; DisplayName = 'kubelet'; Enabled = 'True'; Direction = 'Inbound' }
New-NetFirewallRule @rule -Protocol TCP -Action Allow -LocalPort 10250
'@
}

function Test-Same([string] $Path, [string] $Text) {
    (Test-MachineFile $Path) -and (Get-MachineFile $Path) -ceq $Text
}

function Get-Arguments([string] $Service) {
    # The flags of a service of nssm.
    $flags = @{}
    foreach ($word in $M.Services[$Service].Settings.AppParameters -split '\s+' -ne '') {
        $name, $value = $word -replace '^--' -split '=', 2
        $flags[$name] = "$value"
    }
    $flags
}

function Test-Json([string] $Path) {
    try {
        [bool] (Get-MachineFile $Path | Microsoft.PowerShell.Utility\ConvertFrom-Json -ErrorAction Stop)
    }
    catch { $false }
}

function Test-Pipe { (Test-Running 'containerd') }

function Start-ServiceProgram($Service) {
    # Starts what a service runs; $true where it ends at once.
    if ($Service.Program -like 'C:\*' -and $Service.Program -notlike '*svchost.exe' -and
        -not (Test-Executable $Service.Program)) {
        return $true
    }
    switch ($Service.Name) {
        'containerd' {
            $config = $Service.Arguments[[Array]::IndexOf($Service.Arguments, '--config') + 1]
            if (-not (Test-MachineFile $config) -or
                (Get-MachineFile $config) -notmatch '\Aversion = [23]\r?\n[^\0]*\z') {
                return $true
            }
        }
        'hns' {
            if (-not $M.HnsStaysConfused -and -not (Test-MachineFile $HnsData)) { $M.HnsConfused = $false }
        }
        'kubelet' { return -not (Start-KubeletProgram) }
        'flanneld' {
            if (-not (Test-FlanneldInput)) { return $true }
            # Its lease is in the Node, and written at its start (flannel v0.28.9, pkg/subnet/kube/kube.go).
            $M.Lease = $M.NodeInCluster
            New-HnsNetwork
        }
        'kube-proxy' { return -not (Test-KubeProxyInput) }
    }
    $false
}

function Start-KubeletProgram {
    # kubelet ends where its configuration is not there; with a token it gets its own certificate.
    if (-not (Test-Executable 'C:\k\kubelet.exe') -or
        -not (Test-Same $KubeletConfig 'kubelet configuration')) {
        return $false
    }
    if (-not (Test-Same $KubeadmFlags $FlagsText)) { return $false }
    if (Test-Same $KubeletConf 'kubelet kubeconfig') {
        # It makes its Node at its start alone (kubernetes v1.35.8, kubelet_node_status.go,
        # registerWithAPIServer).
        if ($M.Joined -eq $M.Instance) { $M.NodeInCluster = $true }
        return $true
    }
    # torn: kubelet reads it, and does not bootstrap again
    if (Test-MachineFile $KubeletConf) { return $false }
    if (-not (Test-Same 'C:\etc\kubernetes\bootstrap-kubelet.conf' 'bootstrap')) { return $false }
    Set-MachineFile $KubeletConf 'kubelet kubeconfig'
    $M.NodeInCluster = $true
    $M.Joined = $M.Instance
    $true
}
$FlagsText = "KUBELET_KUBEADM_ARGS=`"--node-labels=a=b,c=d --register-with-taints=os=windows:NoSchedule`"`n"

function Test-FlanneldInput {
    # flannel v0.28.9: the kubeconfig, the network configuration (Windows: VNI 4096, port 4789) and the node's
    # name.
    if (-not $M.Services.ContainsKey('flanneld')) { return $false }
    $service, $given = $M.Services.flanneld, (Get-Arguments 'flanneld')
    if (-not (Test-Same $given['kubeconfig-file'] 'a kubeconfig') -or
        -not (Test-Json $given['net-config-path'])) {
        return $false
    }
    $network = Get-MachineFile $given['net-config-path'] | Microsoft.PowerShell.Utility\ConvertFrom-Json
    if ($network.Backend.Type -eq 'vxlan' -and
        ($network.Backend.VNI -lt 4096 -or $network.Backend.Port -ne 4789)) {
        return $false
    }
    $service.Settings.AppEnvironmentExtra -ceq "NODE_NAME=$($M.Inputs.NodeName)" -and
        $given['iface'] -eq $M.NodeIp
}

function Test-KubeProxyInput {
    # pkg/proxy/winkernel of kubernetes v1.35.8: the HNS network by its name, and for an overlay a source VIP
    # of the node's subnet.
    if (-not $M.Services.ContainsKey('kube-proxy')) { return $false }
    $given = Get-Arguments 'kube-proxy'
    $overlay = $M.Inputs.FlannelBackend -eq 'vxlan'
    $network = if ($overlay) { 'flannel.4096' } else { 'cbr0' }
    if (-not (Test-Same $given['kubeconfig'] 'a kubeconfig') -or $given['network-name'] -cne $network) {
        return $false
    }
    -not $overlay -or $given['source-vip'] -like "$($M.PodCidr -replace '\.\d+/\d+$').*"
}

function Test-NodeReady {
    (Test-Json $Conflist) -and $M.HnsNetwork -and (Test-Running 'kubelet') -and $M.NodeInCluster
}

$Programs['kubeadm.exe'] = {
    # All errors of the preflight at once (kubernetes v1.35.8, cmd/kubeadm/app/preflight/checks.go).
    param($w)
    $errors = @(
        if (-not (Test-Pipe)) { '[ERROR CRI]: could not connect to the container runtime' }
        if (Test-Running 'kubelet') { '[ERROR Port-10250]: Port 10250 is in use' }
        foreach ($file in 'kubelet.conf', 'bootstrap-kubelet.conf', 'pki\ca.crt') {
            if (Test-MachineFile "C:\etc\kubernetes\$file") {
                ("[ERROR FileAvailable--etc-kubernetes-$($file -replace '\\', '-')]: " +
                    "/etc/kubernetes/$file already exists")
            }
        }
        if (-not (Find-Program 'kubelet')) {
            '[ERROR KubeletVersion]: couldn''t get kubelet version: cannot execute ''kubelet --version'': ' +
            'exec: "kubelet": executable file not found in %PATH%'
        }
    )
    if ($errors) {
        $first = 'error execution phase preflight: [preflight] Some fatal errors occurred:'
        $last = ('[preflight] If you know what you are doing, you can make a check non-fatal with ' +
            '`--ignore-preflight-errors=...`')
        throw (@($first) + ($errors | ForEach-Object {
            "`t$_"
        }) + $last + 'To see the stack trace of this error execute with --v=5 or higher') -join "`n"
    }
    if (-not $w[1] -or -not (Test-MachineFile ($w[1] -replace '^--config='))) {
        throw 'error: failed to read config'
    }
    if ((Get-MachineFile ($w[1] -replace '^--config=')) -notmatch '[a-z0-9]{6}\.[a-z0-9]{16}') {
        throw 'error: the token is not valid'
    }
    $files = [ordered] @{
        'C:\etc\kubernetes\bootstrap-kubelet.conf' = 'bootstrap'; 'C:\etc\kubernetes\pki\ca.crt' = 'ca'
        $KubeletConfig = 'kubelet configuration'; $KubeadmFlags = $FlagsText
    }
    foreach ($file in $files.GetEnumerator()) {
        Step 'kubeadm.exe'
        Write-MachineFile $file.Key { Set-MachineFile $file.Key $file.Value }
    }
    Step 'kubeadm.exe'
    if ($M.Services.ContainsKey('kubelet')) { Start-One 'kubelet' }
    # the kubelet wrote it: power may be lost right after
    if (Test-MachineFile $KubeletConf) { Write-MachineFile $KubeletConf { } }
    'This node has joined the cluster:',
    '* Certificate signing request was sent to apiserver and a response was received.'
}
$Programs['kubectl.exe'] = {
    param($w)
    $config = ($w | Where-Object { $_ -like '--kubeconfig=*' }) -replace '^--kubeconfig='
    if (-not (Test-Same $config 'kubelet kubeconfig')) {
        throw "error: error loading config file `"$config`""
    }
    if (-not $M.NodeInCluster) {
        throw "Error from server (NotFound): nodes `"$($M.Inputs.NodeName)`" not found"
    }
    ConvertTo-Json -Depth 5 @{
        spec = @{ podCIDR = $M.PodCidr }
        status = @{ conditions = @(@{ type = 'MemoryPressure'; status = 'False' },
            @{ type = 'Ready'; status = "$(Test-NodeReady)" }) }
    }
}
$Programs['host-local.exe'] = {
    # containernetworking/plugins v1.9.1, plugins/ipam/host-local: one address an id, and a second ADD is
    # refused.
    param($w, $stdin)
    foreach ($name in 'CNI_COMMAND', 'CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH') {
        if (-not [Environment]::GetEnvironmentVariable($name)) {
            throw "required env variables [$name] missing"
        }
    }
    $config = $stdin | Microsoft.PowerShell.Utility\ConvertFrom-Json
    $kept = "C:$($config.ipam.dataDir -replace '/', '\')\$($config.name)\$($env:CNI_CONTAINERID)"
    if ($env:CNI_COMMAND -eq 'DEL') {
        if (Test-MachineFile $kept) { [IO.File]::Delete((Get-RealPath $kept)) }
        return
    }
    if (Test-MachineFile $kept) { throw 'failed to allocate: duplicate allocation is not allowed' }
    $M.Addresses++
    $address = ($config.ipam.ranges[0][0].subnet -replace '\.\d+/\d+$') + ".$($M.Addresses + 1)"
    Step 'host-local.exe'
    Write-MachineFile $kept { Set-MachineFile $kept $address }
    ConvertTo-Json -Depth 3 @{ cniVersion = '1.0.0'; ips = @(@{ address = "$address/24" }) }
}

# The variables of Windows' environment that the scripts read.
$env:ProgramFiles = 'C:\Program Files'; $env:SystemRoot = 'C:\Windows'; $env:windir = 'C:\Windows'
$env:ProgramData = 'C:\ProgramData'; $env:SystemDrive = 'C:'
