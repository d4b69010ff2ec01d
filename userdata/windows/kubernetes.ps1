# kubernetes.ps1: container runtime, kubelet and the way into the cluster.

function Test-Containerd {
    (Read-TextFile $ContainerdConfigFile) -eq (Get-ContainerdConfig) -and (Test-Service 'containerd') -and (Test-Within 60 { Test-Path $ContainerdPipe })
}

function Get-ContainerdConfig {
    $major = ($ContainerdVersion -split '\.')[0]
    if (-not $ContainerdConfigs.ContainsKey($major)) { throw "containerd $ContainerdVersion is not one of the major versions $($ContainerdConfigs.Keys)" }
    Expand-Token $ContainerdConfigs[$major] @{ PAUSE_IMAGE = $PauseImage }
}

function Install-Containerd {
    $folder = "$env:ProgramFiles\containerd"
    if (Get-Service -Name containerd -ErrorAction SilentlyContinue) { Stop-Service -Name containerd -Force }
    Expand-Artifact 'containerd' $folder 1
    Expand-Artifact 'cni-plugins' 'C:\opt\cni\bin' 0
    Copy-Item -Force -Path (Get-ArtifactPath 'flannel-cni.exe') -Destination 'C:\opt\cni\bin\flannel.exe'
    New-Item -ItemType Directory -Force -Path 'C:\etc\cni\net.d', 'C:\var\log\containerd' | Out-Null
    if ($RegistryMirror) {
        Write-TextFile 'C:\etc\containerd\certs.d\_default\hosts.toml' (Expand-Token $RegistryHosts @{ REGISTRY_MIRROR = $RegistryMirror })
    }
    # Before the registration: a configuration file that --config names must be there, or containerd.exe ends with an error
    # (containerd v2.2.7, cmd/containerd/command/main.go).
    Write-TextFile $ContainerdConfigFile (Get-ContainerdConfig)
    if (-not (Get-Service -Name containerd -ErrorAction SilentlyContinue)) { Invoke-Native "$folder\containerd.exe" $ContainerdArguments | Out-Null }
    # Its own recovery gives up after the second crash in a day (containerd v2.2.7, cmd/containerd/command/service_windows.go).
    Invoke-Native "$env:SystemRoot\System32\sc.exe" @('failure', 'containerd', 'reset=', '0', 'actions=', 'restart/15000') | Out-Null
    Set-Service -Name containerd -StartupType Automatic
    Start-Service -Name containerd
    Wait-Until 'pipe of containerd' 120 { Test-Path $ContainerdPipe } | Out-Null
    Start-ImagePull $folder
}

function Start-ImagePull([string] $Folder) {
    # In the background: a WCF image takes minutes, and should be there when its pod comes.
    foreach ($image in $PrepullImages) {
        $log = 'C:\var\log\containerd\pull-' + ($image -replace '[^A-Za-z0-9.]+', '-')
        $arguments = @('--namespace', 'k8s.io', 'images', 'pull', '--hosts-dir', 'C:\etc\containerd\certs.d', $image)
        Start-Process -FilePath "$Folder\ctr.exe" -ArgumentList $arguments -RedirectStandardOutput "$log.log" -RedirectStandardError "$log.err"
    }
}

function Start-Kubelet {
    param([string[]] $Arguments)
    # Runs as the service, on its own. kubeadm join leaves labels and taints in this file. Passed on as an array they keep
    # their commas, at which PowerShell splits a bare word (the StartKubelet.ps1 of PrepareNode.ps1 has that fault).
    $ErrorActionPreference = 'Stop'
    $flags = ([string] (Get-Content -Raw -Path 'C:\var\lib\kubelet\kubeadm-flags.env')).Trim() -replace '^KUBELET_KUBEADM_ARGS="?' -replace '"$'
    & C:\k\kubelet.exe ($Arguments + @($flags -split '\s+' -ne ''))
    exit $LASTEXITCODE
}

function Get-StartKubelet {
    $values = @{ NODE_NAME = $NodeName; NODE_IP = Get-NodeIp }
    $list = ($KubeletArguments | ForEach-Object { ConvertTo-Literal (Expand-Token $_ $values) }) -join ', '
    Get-FunctionText 'Start-Kubelet' "Start-Kubelet -Arguments @($list)"
}

function Test-Node {
    # Start-Kubelet's file is written last, so that it stands for all of it.
    [bool] (Get-Service -Name kubelet -ErrorAction SilentlyContinue) -and (Read-TextFile 'C:\k\StartKubelet.ps1') -eq (Get-StartKubelet)
}

function Reset-PrepareNode {
    # PrepareNode.ps1 runs once on a clean machine and never again: service, rule and link may not be there.
    if (Get-Service -Name kubelet -ErrorAction SilentlyContinue) {
        Stop-Service -Name kubelet -Force
        Invoke-Native "$env:SystemRoot\System32\sc.exe" @('delete', 'kubelet') | Out-Null
        Wait-Until 'end of the old kubelet service' 60 { -not (Get-Service -Name kubelet -ErrorAction SilentlyContinue) } | Out-Null
    }
    Remove-NetFirewallRule -Name kubelet -ErrorAction SilentlyContinue
    # Not Remove-Item: in 5.1 it follows a link and would empty C:\etc\kubernetes\pki.
    if (Test-Path $PkiLink) { (Get-Item $PkiLink).Delete() }
}

function Invoke-PrepareNode {
    function curl.exe {
        # PrepareNode.ps1 checks no sum of what it downloads and then runs. A function goes before a program of the same
        # name, so what it gets is our verified file; and the mirror, if there is one, is used for these as well.
        $destination, $url = $args[-2], $args[-1]
        $source = $PrepareNodeDownloads[($url -split '/')[-1]]
        if (-not $source) { throw "PrepareNode.ps1 wants $url, which is not in the bill of materials" }
        Copy-Item -Force -Path $source -Destination $destination
    }
    Set-StrictMode -Off      # theirs is not written for it, and scripts inherit it
    Push-Location $Root      # it unpacks where it stands
    # Their stderr must stay unredirected: tar writes its list there, and redirected it would count as an error.
    try { & (Get-ArtifactPath 'PrepareNode.ps1') -KubernetesVersion "v$KubernetesVersion" -HostnameOverride $NodeName | Out-Null } finally { Pop-Location }
}

function Install-Node {
    Reset-PrepareNode
    foreach ($folder in 'C:\k', 'C:\etc\kubernetes', 'C:\var\lib\kubelet\pki') { Protect-Directory $folder }
    Expand-Artifact 'kubernetes-node' "$Root\kubernetes" 3
    Invoke-PrepareNode
    # Until it has joined, kubelet would only fail, and nssm pause it, which kubeadm takes for a running service.
    Set-Service -Name kubelet -StartupType Manual
    Set-Nssm 'kubelet' @{}
    foreach ($name in 'kube-proxy.exe', 'kubectl.exe') { Copy-Item -Force -Path "$Root\kubernetes\$name" -Destination "C:\k\$name" }
    Copy-Item -Force -Path (Get-ArtifactPath 'flanneld.exe') -Destination 'C:\k\flanneld.exe'
    Write-TextFile 'C:\k\StartKubelet.ps1' (Get-StartKubelet)
}

function Wait-Rendezvous([string] $Document, [int] $LimitSeconds) {
    # What an earlier control plane wrote is not believed, and a token that has expired is about to be replaced.
    Wait-Until "/microcosm/$StackName/$Document of $ControlPlaneInstanceId" $LimitSeconds {
        $value = (Get-SSMParameter -Name "/microcosm/$StackName/$Document" -WithDecryption $true -Region $Region).Value | ConvertFrom-Json
        $expires = $value.PSObject.Properties['expires']
        $fresh = -not $expires -or [DateTimeOffset]::Parse($expires.Value) -gt (Get-Date)
        if ($value.instance -eq $ControlPlaneInstanceId -and $fresh) { $value }
    }
}

function Reset-Join {
    # kubeadm refuses to join over the files of an attempt that did not end.
    Stop-Service -Name kubelet -Force
    foreach ($path in $JoinLeftovers) { Remove-Item -Force -Path $path -ErrorAction SilentlyContinue }
}

function Join-Cluster {
    if (-not (Test-Path $NetworkKubeconfig)) {
        # Now, while the machine can still reach its role's credentials: the container network breaks the way there.
        Write-TextFile $NetworkKubeconfig (Wait-Rendezvous 'windows-network' 2400).kubeconfig
    }
    if (-not (Test-Path $KubeletKubeconfig)) {
        $join = Wait-Rendezvous 'join' 2400
        Reset-Join
        try {
            Write-TextFile $JoinFile (Expand-Token $JoinConfiguration @{ API_ENDPOINT = $join.endpoint; TOKEN = $join.token; CA_HASH = $join.caCertHash })
            Write-Log (Invoke-Native 'C:\k\kubeadm.exe' $KubeadmArguments)
        }
        finally { Remove-Item -Force -Path $JoinFile -ErrorAction SilentlyContinue }
        Wait-Until $KubeletKubeconfig 120 { Test-Path $KubeletKubeconfig } | Out-Null
    }
    Remove-Item -Force -Path $JoinFile -ErrorAction SilentlyContinue   # of an attempt that power was lost over
    Set-Service -Name kubelet -StartupType Automatic
    Start-Service -Name kubelet
}

function Test-Join {
    (Test-Path $KubeletKubeconfig) -and (Test-Path $NetworkKubeconfig) -and (Test-Service 'kubelet')
}

function Get-Node {
    Invoke-Native 'C:\k\kubectl.exe' @("--kubeconfig=$KubeletKubeconfig", 'get', 'node', $NodeName, '--output=json') | ConvertFrom-Json
}

function Test-Ready {
    $ready = (Get-Node).status.conditions | Where-Object { $_.type -eq 'Ready' }
    $ready.status -eq 'True' -and -not ($Services | Where-Object { -not (Test-Service $_) })
}

function Wait-Ready {
    Wait-Until "node $NodeName that is Ready" 600 { Test-Ready } | Out-Null
}
