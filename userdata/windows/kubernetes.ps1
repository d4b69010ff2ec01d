# kubernetes.ps1: container runtime, kubelet and the way into the cluster.

$ContainerdFolder = "$env:ProgramFiles\containerd"
$CniFolder = 'C:\opt\cni\bin'
$HostsFile = 'C:\etc\containerd\certs.d\_default\hosts.toml'

function Get-ContainerdConfig {
    $major = ($ContainerdVersion -split '\.')[0]
    if (-not $ContainerdConfigs.ContainsKey($major)) {
        throw "containerd $ContainerdVersion is not one of the major versions $($ContainerdConfigs.Keys)"
    }
    Expand-Token $ContainerdConfigs[$major] @{ PAUSE_IMAGE = $PauseImage }
}

function Get-RegistryHosts {
    if ($RegistryMirror) { Expand-Token $RegistryHosts @{ REGISTRY_MIRROR = $RegistryMirror } } else { '' }
}

function Confirm-Containerd {
    Confirm-Text $ContainerdConfigFile (Get-ContainerdConfig)
    Confirm-Text $HostsFile (Get-RegistryHosts)
    Confirm-Manifest 'containerd'
    Confirm-Program 'containerd' "$ContainerdFolder\containerd.exe", $ContainerdConfigFile
    Confirm-Service 'containerd'
    Wait-Until 'pipe of containerd' 60 { Test-Path $ContainerdPipe } | Out-Null
}

function Install-Containerd {
    Stop-OneService 'containerd'
    # Windows replaces no file of a program that runs; shims and plugins outlive their containerd.
    Stop-Program (@('containerd', 'containerd-shim-runhcs-v1', 'ctr' | ForEach-Object {
        "$ContainerdFolder\$_.exe"
    }) +
        @('flannel', 'host-local', 'win-overlay', 'win-bridge' | ForEach-Object { "$CniFolder\$_.exe" }))
    Expand-Artifact 'containerd' $ContainerdFolder 1
    Expand-Artifact 'cni-plugins' $CniFolder 0
    Copy-Program (Get-ArtifactPath 'flannel-cni.exe') "$CniFolder\flannel.exe"
    New-Item -ItemType Directory -Force -Path 'C:\etc\cni\net.d', 'C:\var\log\containerd' | Out-Null
    if ($RegistryMirror) { Write-TextFile $HostsFile (Get-RegistryHosts) } else { Remove-File $HostsFile }
    # Before the registration: a configuration file that --config names must be there, or containerd.exe ends
    # with an error (containerd v2.2.7, cmd/containerd/command/main.go).
    Write-TextFile $ContainerdConfigFile (Get-ContainerdConfig)
    try { Confirm-Program 'containerd' "$ContainerdFolder\containerd.exe", $ContainerdConfigFile }
    catch {
        Remove-OneService 'containerd'
        Invoke-Native "$ContainerdFolder\containerd.exe" $ContainerdArguments | Out-Null
    }
    # Its own recovery gives up after the second crash in a day (containerd v2.2.7,
    # cmd/containerd/command/service_windows.go).
    $recovery = 'failure', 'containerd', 'reset=', '0', 'actions=', 'restart/15000'
    Invoke-Native "$env:SystemRoot\System32\sc.exe" $recovery | Out-Null
    Set-Service -Name containerd -StartupType Automatic
    Save-Manifest 'containerd' (Get-ProgramPath $ContainerdFolder, $CniFolder)
    Start-OneService 'containerd'
    Wait-Until 'pipe of containerd' 120 { Test-Path $ContainerdPipe } | Out-Null
    Start-ImagePull
}

function Start-ImagePull {
    # In the background: a WCF image takes minutes, and should be there when its pod comes.
    foreach ($image in $PrepullImages) {
        $log = 'C:\var\log\containerd\pull-' + ($image -replace '[^A-Za-z0-9.]+', '-')
        $arguments = @('--namespace', 'k8s.io', 'images', 'pull', '--hosts-dir', 'C:\etc\containerd\certs.d',
        $image)
        $pull = @{ FilePath = "$ContainerdFolder\ctr.exe"; ArgumentList = $arguments }
        try { Start-Process @pull -RedirectStandardOutput "$log.log" -RedirectStandardError "$log.err" }
        catch { Write-Log "$image is not pulled ahead: $_" }   # the kubelet pulls it then
    }
}

function Start-Kubelet {
    param([string[]] $Arguments)
    # Runs as the service, on its own. kubeadm join leaves labels and taints in this file. Passed on as an
    # array they keep their commas, at which PowerShell splits a bare word (the StartKubelet.ps1 of
    # PrepareNode.ps1 has that fault).
    $ErrorActionPreference = 'Stop'
    $text = ([string] (Get-Content -Raw -Path 'C:\var\lib\kubelet\kubeadm-flags.env')).Trim()
    $flags = $text -replace '^KUBELET_KUBEADM_ARGS="?' -replace '"$'
    & C:\k\kubelet.exe ($Arguments + @($flags -split '\s+' -ne ''))
    exit $LASTEXITCODE
}

function Get-StartKubelet {
    $values = @{ NODE_NAME = $NodeName; NODE_IP = Get-NodeIp }
    $list = ($KubeletArguments | ForEach-Object { ConvertTo-Literal (Expand-Token $_ $values) }) -join ', '
    Get-FunctionText 'Start-Kubelet' "Start-Kubelet -Arguments @($list)"
}

function Confirm-Node {
    # Start-Kubelet's file is written last, so that it stands for all of it.
    Assert-That ((Get-ServiceStatus 'kubelet') -ne 'not there') 'the service kubelet is not there'
    $script = Get-ServiceValue 'kubelet' 'AppParameters' '\Parameters'
    $program = Get-ServiceValue 'kubelet' 'Application' '\Parameters'
    $right = $program -like '*powershell.exe' -and $script -like '*C:\k\StartKubelet.ps1'
    Assert-That $right "the service kubelet runs '$program $script'"
    Confirm-Text 'C:\k\StartKubelet.ps1' (Get-StartKubelet)
    Confirm-Manifest 'node'
}

function Reset-PrepareNode {
    # PrepareNode.ps1 runs once on a clean machine and never again: service, rule and link may not be there.
    # What runs out of C:\k, and its nssm.exe, could not be replaced.
    foreach ($name in 'kubelet', 'flanneld', 'kube-proxy') { Stop-OneService $name }
    Stop-Program (@('kubelet', 'kubeadm', 'kubectl', 'flanneld', 'kube-proxy' | ForEach-Object {
        "C:\k\$_.exe"
    }) + $Nssm)
    Remove-OneService 'kubelet'
    Remove-NetFirewallRule -Name kubelet -ErrorAction SilentlyContinue
    # Not Remove-Item: in 5.1 it follows a link and would empty C:\etc\kubernetes\pki.
    if (Test-Path $PkiLink) { (Get-Item $PkiLink).Delete() }
}

function Invoke-PrepareNode {
    function curl.exe {
        # PrepareNode.ps1 checks no sum of what it downloads and then runs. A function goes before a program
        # of the same name, so what it gets is our verified file; and the mirror, if there is one, is used for
        # these as well.
        $destination, $url = $args[-2], $args[-1]
        $source = $PrepareNodeDownloads[($url -split '/')[-1]]
        if (-not $source) { throw "PrepareNode.ps1 wants $url, which is not in the bill of materials" }
        Copy-Program $source $destination
        # A scanner may hold the new file. PrepareNode.ps1 does not wait for it: it removes nssm.zip at once.
        $null = Get-Hash $destination
    }
    Set-StrictMode -Off      # theirs is not written for it, and scripts inherit it
    Push-Location $Root      # it unpacks where it stands
    # It appends both folders to this process's PATH, and makes that the machine's: once, and not at every
    # repair.
    $env:Path = (@($env:Path -split ';') -ne 'C:\k' -ne "$env:ProgramFiles\nssm") -join ';'
    # Their stderr must stay unredirected: tar writes its list there, and redirected it would count as an
    # error.
    try {
        $arguments = @{ KubernetesVersion = "v$KubernetesVersion"; HostnameOverride = $NodeName }
        & (Get-ArtifactPath 'PrepareNode.ps1') @arguments | Out-Null
    }
    finally { Pop-Location; $env:Path = "C:\k;$env:Path" }
}

function Install-Node {
    Reset-PrepareNode
    foreach ($folder in 'C:\k', 'C:\etc\kubernetes', 'C:\var\lib\kubelet\pki') { Protect-Directory $folder }
    Expand-Artifact 'kubernetes-node' "$Root\kubernetes" 3
    Invoke-PrepareNode
    # It looks at no exit code of nssm.exe.
    Assert-That ((Get-ServiceStatus 'kubelet') -ne 'not there') ('PrepareNode.ps1 ran, and nssm.exe made ' +
        'no service kubelet')
    # Until it has joined, kubelet would only fail, and nssm pause it, which kubeadm takes for a running
    # service.
    Set-Service -Name kubelet -StartupType Manual
    Set-Nssm 'kubelet' @{}
    foreach ($name in 'kube-proxy.exe', 'kubectl.exe') { Copy-Program "$Root\kubernetes\$name" "C:\k\$name" }
    Copy-Program (Get-ArtifactPath 'flanneld.exe') 'C:\k\flanneld.exe'
    Save-Manifest 'node' (@(Get-ProgramPath 'C:\k') + $Nssm)
    Write-TextFile 'C:\k\StartKubelet.ps1' (Get-StartKubelet)
}
