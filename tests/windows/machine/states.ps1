# states.ps1: what can be wrong with a machine, by "phase: what", as in docs/evidence/windows-states.md.

$Never = [double]::PositiveInfinity

function Set-FullIn([string] $Phase) {
    # The disk is full from the report of this phase on.
    $M = & (Get-Module Machine) { $M }
    $M.FullPhase = "`"phase`":`"$Phase`""
    Set-Behaviour 'Write-SSMParameter' {
        param($Given, $Default, $M)
        if ($Given.Value.Contains($M.FullPhase)) { $M.DiskFull = $true }
        & $Default $Given
    }
}
function Set-Refusing([string] $Task) {
    $M = & (Get-Module Machine) { $M }
    $M.RefusedTask = $Task
    Set-Behaviour 'Register-ScheduledTask' {
        param($Given, $Default, $M)
        if ($Given.TaskName -like $M.RefusedTask) { Write-Error 'Access is denied.'; return }
        & $Default $Given
    }
}
function Set-NoAnswer([string] $Part) {
    $M = & (Get-Module Machine) { $M }
    $M.NoAnswer = $Part
    Set-Behaviour 'Invoke-WebRequest' {
        param($Given, $Default, $M)
        if ("$($Given.Uri)" -like "*$($M.NoAnswer)*") { throw 'Unable to connect to the remote server' }
        & $Default $Given
    }
}
function Set-Answer([string] $Text) {
    $M = & (Get-Module Machine) { $M }
    $M.KubectlText = $Text
    Set-Behaviour 'kubectl.exe' { param($Words, $Default, $M) $M.KubectlText }
}
function Set-JoinDocument($M, [string] $Name, $Value) {
    $join = $M.Parameters['/microcosm/dev/join'] | ConvertFrom-Json
    $join.$Name = $Value
    $M.Parameters['/microcosm/dev/join'] = ConvertTo-Json $join
}

$States = @{
    'bootstrap: S3 refuses the script' = { param($M) $M.Web.Remove('s3://bucket/node.ps1') }
    'bootstrap: the bucket holds another script' = {
        param($M)
        $M.Web['s3://bucket/node.ps1'] = 'another script'
    }
    'bootstrap: the folder cannot be closed to users' = { param($M) $M.Broken = @('icacls.exe') }
    'bootstrap: the startup task cannot be registered' = { Set-Refusing 'microcosm-node' }
    'bootstrap: the disk is full' = { param($M) Set-Behaviour 'icacls.exe' { }; $M.DiskFull = $true }

    'run.ps1: the script is torn, and S3 refuses it' = {
        param($M)
        Set-MachineFile 'C:\microcosm\node.ps1' ''
        $M.Web.Remove('s3://bucket/node.ps1')
    }
    'run.ps1: powershell.exe is not there' = {
        [IO.File]::Delete((Get-RealPath 'C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe'))
    }
    'run.ps1: powershell.exe is blocked' = {
        Set-Behaviour 'powershell.exe' { throw 'exit 4551: a policy has blocked this file' }
    }
    'run.ps1: the inputs are torn' = { Set-MachineFile 'C:\microcosm\inputs.xml' '' }

    'feature: the inputs name an unknown backend' = { param($M) $M.Inputs.FlannelBackend = 'wireguard' }
    'feature: the image lacks the feature' = { param($M) $M.Feature = 'Removed' }
    'feature: Windows knows no such feature' = { Set-Behaviour 'Get-WindowsFeature' { } }
    'feature: the feature cannot be installed' = {
        Set-Behaviour 'Install-WindowsFeature' { throw 'Error: 0x800f0922' }
    }
    'feature: a restart is pending for ever' = {
        Set-Behaviour 'Test-Path' {
            param($Given, $Default)
            if ("$($Given.Path)" -like '*\RebootPending') { $true } else { & $Default $Given }
        }
    }
    'feature: Windows has no boot counter' = {
        param($M)
        $M.Registry[@($M.Registry.Keys -like '*\PrefetchParameters')[0]] = @{}
    }
    'feature: netsh fails' = { param($M) $M.Broken = @('netsh.exe') }
    'feature: the firewall refuses a rule' = {
        Set-Behaviour 'New-NetFirewallRule' { Write-Error 'The service has not been started.' }
    }
    'feature: the registry refuses a value' = {
        Set-Behaviour 'New-ItemProperty' { throw 'Requested registry access is not allowed.' }
    }
    'feature: the clock''s service does not start' = { param($M) $M.Services.w32time.StartTakes = $Never }
    'feature: a task cannot be registered' = { Set-Refusing 'microcosm-watch' }
    'feature: the disk is full' = { Set-FullIn 'feature' }

    'reboot: the boot counter stands still' = { param($M) $M.CounterStands = $true }
    'reboot: the feature stays pending' = {
        Set-Behaviour 'Get-WindowsFeature' {
            param($Given, $Default, $M)
            [pscustomobject] @{ InstallState = $(if ($M.Boot -eq 1) { $M.Feature } else {
                'InstallPending'
            }) }
        }
    }
    'reboot: Windows does not restart' = { Set-Behaviour 'Restart-Computer' { } }
    'reboot: the disk is full' = { Set-FullIn 'reboot' }

    'download: a publisher is away' = { param($M) $M.Web.Remove('https://example.org/nssm') }
    'download: a file has another sum' = { param($M) $M.Web['https://example.org/nssm'] = 'another file' }
    'download: a file stays in use' = {
        param($M)
        $M.Held['C:\microcosm\downloads\nssm.part'] = 86400
        $M.Feature = 'Installed'
    }
    'download: the disk is full' = { Set-FullIn 'download' }

    'containerd: its version is unknown' = { param($M) $M.Inputs.ContainerdVersion = '3.0.0' }
    'containerd: it cannot be unpacked' = { param($M) $M.Broken = @('tar.exe') }
    'containerd: it cannot be registered' = { param($M) $M.Broken = @('containerd.exe') }
    'containerd: its service does not start' = {
        Set-Behaviour 'sc.exe' {
            param($Words, $Default, $M)
            $M.Services.containerd.StartTakes = $M.Never
            & $Default $Words
        }
        (& (Get-Module Machine) { $M }).Never = $Never
    }
    'containerd: its pipe does not come' = {
        Set-Behaviour 'Test-Path' {
            param($Given, $Default)
            if ("$($Given.Path)" -like '*pipe*containerd*') { $false } else { & $Default $Given }
        }
    }
    'containerd: the disk is full' = { Set-FullIn 'containerd' }

    'prepare-node: PrepareNode.ps1 wants another file' = {
        param($M)
        $text = ("Param([string] `$KubernetesVersion, [string] `$HostnameOverride)`ncurl.exe -Lo C:\k\x " +
            "https://dl.k8s.io/x")
        $M.Web['https://example.org/PrepareNode.ps1'] = $text
        $M.Inputs.Artifacts['PrepareNode.ps1'].Sum = "sha256:$(Get-Sum $text)"
    }
    'prepare-node: a folder cannot be closed to users' = {
        Set-Behaviour 'icacls.exe' {
            param($Words)
            if ($Words[0] -ne 'C:\microcosm') { throw 'exit 5: Access is denied.' }
        }
    }
    'prepare-node: nssm fails' = { param($M) $M.Broken = @('nssm.exe') }
    'prepare-node: the old kubelet service stays' = {
        param($M)
        & (Get-Module Machine) { Add-Service 'kubelet' 'D:\other\kubelet.exe' 'Manual' }
        Set-Behaviour 'sc.exe' {
            param($Words, $Default)
            if ($Words[0] -ne 'delete') { return & $Default $Words }
            throw ('exit 1072: [SC] DeleteService FAILED 1072: The specified service has been marked for ' +
                'deletion.')
        }
    }
    'prepare-node: the disk is full' = { Set-FullIn 'prepare-node' }

    'join: the control plane writes no join document' = {
        param($M)
        $M.Parameters['/microcosm/dev/join'] = 'pending'
    }
    'join: the join document is not there' = { param($M) $M.Parameters.Remove('/microcosm/dev/join') }
    'join: the join document is of another control plane' = {
        param($M)
        Set-JoinDocument $M 'instance' 'i-0old'
    }
    'join: the token has expired' = { param($M) Set-JoinDocument $M 'expires' '2026-11-25T08:00:00Z' }
    'join: the join document is not whole' = { param($M) Set-JoinDocument $M 'token' '' }
    'join: there is no kubeconfig for the network' = {
        param($M)
        $M.Parameters['/microcosm/dev/windows-network'] = 'pending'
    }
    'join: kubeadm fails' = { param($M) $M.Broken = @('kubeadm.exe') }
    'join: kubelet does not start' = {
        Set-Behaviour 'kubeadm.exe' {
            param($Words, $Default, $M)
            $M.Services.kubelet.StartTakes = $M.Never
            & $Default $Words
        }
        (& (Get-Module Machine) { $M }).Never = $Never
    }
    'join: the disk is full' = { Set-FullIn 'join' }

    'flannel: flanneld does not become ready' = { Set-NoAnswer ':8081/' }
    'flannel: HNS stays confused' = { param($M) $M.HnsConfused = $M.HnsStaysConfused = $true }
    'flannel: HNS does not stop' = {
        param($M)
        $M.HnsConfused = $true
        $M.Services.hns.StopTakes = $Never
        Set-MachineFile 'C:\ProgramData\Microsoft\Windows\HNS\HNS.data' 'networks that are gone'
    }
    'flannel: nssm refuses a setting' = {
        Set-Behaviour 'nssm.exe' {
            param($Words, $Default)
            if ($Words[1] -eq 'flanneld') { throw 'exit 1: Invalid parameter' }
            & $Default $Words
        }
    }
    'flannel: a task cannot be registered' = { Set-Refusing 'microcosm-metadata-routes' }
    'flannel: the disk is full' = { Set-FullIn 'flannel' }

    'kube-proxy: the node has no subnet' = {
        Set-Answer '{"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}'
    }
    'kube-proxy: the API is away' = {
        Set-Behaviour 'kubectl.exe' { throw 'Unable to connect to the server: dial tcp: i/o timeout' }
    }
    'kube-proxy: host-local fails' = { param($M) $M.Broken = @('host-local.exe') }
    'kube-proxy: it does not become healthy' = { Set-NoAnswer ':10256/' }

    'ready: the node stays NotReady' = {
        Set-Answer ('{"spec": {"podCIDR": "10.244.2.0/24"}, "status": {"conditions": ' +
            '[{"type": "Ready", "status": "False", "message": "cni plugin not initialized"}]}}')
    }
    'ready: the node has no condition' = {
        Set-Answer '{"spec": {"podCIDR": "10.244.2.0/24"}, "status": {"conditions": []}}'
    }
    'kube-proxy: its service ends again and again' = {
        Set-Behaviour 'kubectl.exe' {
            param($Words, $Default, $M)
            if ($M.Services.ContainsKey('kube-proxy')) { $M.Services.'kube-proxy'.Status = 'Paused' }
            & $Default $Words
        }
    }
}
