# host.ps1: what Windows itself needs before it can be a node: settings, the Containers feature, the restart, downloads.

# HNS fixes that ship switched off on some builds, as image-builder sets them
# (kubernetes-sigs/image-builder ae63061, images/capi/ansible/windows/roles, systemprep and runtimes). Build 0 is every build.
$RegistrySettings = @(
    # Patch day must not restart a node: a new node gets this month's AMI.
    @{ Build = 0; Key = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU'; Name = 'NoAutoUpdate'; Value = 1 }
    # Without it a pod cannot resolve the names of SMB shares and domains (kubernetes-sigs/windows-gmsa#30).
    @{ Build = 0; Key = 'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State'; Name = 'EnableCompartmentNamespace'; Value = 1 }
    @{ Build = 17763; Key = 'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State'; Name = 'HNSControlFlag'; Value = 80 }
    @{ Build = 17763; Key = 'HKLM:\SYSTEM\CurrentControlSet\Services\wcifs'; Name = 'WcifsSOPCountDisabled'; Value = 0 }
    @{ Build = 20348; Key = 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides'; Name = '1114842764'; Value = 0 }
    @{ Build = 26100; Key = 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides'; Name = '520997518'; Value = 1 }
)
# PrepareNode.ps1 opens kubelet's 10250.
$FirewallRules = @(
    @{ Name = 'microcosm-vxlan'; Protocol = 'UDP'; LocalPort = '4789' }
    @{ Name = 'microcosm-nodeports-tcp'; Protocol = 'TCP'; LocalPort = '30000-32767' }
    @{ Name = 'microcosm-nodeports-udp'; Protocol = 'UDP'; LocalPort = '30000-32767' }
)
# Defender scans every layer that these unpack, which multiplies the time of a pull.
$DefenderExclusions = @(
    "$env:ProgramFiles\containerd\containerd.exe", "$env:ProgramFiles\containerd\containerd-shim-runhcs-v1.exe",
    "$env:ProgramFiles\containerd\ctr.exe", 'C:\k\kubelet.exe', 'C:\k\kube-proxy.exe', 'C:\k\flanneld.exe'
)
# The counter that Windows raises at each start; kubelet's own boot id (kubernetes, pkg/kubelet/winstats/perfcounter_nodestats_windows.go).
$BootCounter = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters'

function Get-BootId { [string] (Get-ItemProperty -Path $BootCounter).BootId }

function Get-NodeIp {
    # Kept from before the first network: while HNS rebuilds the adapter there is no address to be read.
    if (-not $State.nodeIp) {
        $default = Get-NetRoute -DestinationPrefix 0.0.0.0/0 | Sort-Object -Property RouteMetric | Select-Object -First 1
        $State.nodeIp = (Get-NetIPAddress -InterfaceIndex $default.ifIndex -AddressFamily IPv4 | Select-Object -First 1).IPAddress
        Save-State
    }
    $State.nodeIp
}

function Set-RegistrySetting {
    $build = [int] (Get-ItemProperty -Path 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion').CurrentBuildNumber
    foreach ($setting in $RegistrySettings | Where-Object { $_.Build -in 0, $build }) {
        if (-not (Test-Path $setting.Key)) { New-Item -Force -Path $setting.Key | Out-Null }
        New-ItemProperty -Force -Path $setting.Key -Name $setting.Name -Value $setting.Value -PropertyType DWord | Out-Null
    }
}

function Set-FirewallRule {
    foreach ($rule in $FirewallRules) {
        Remove-NetFirewallRule -Name $rule.Name -ErrorAction SilentlyContinue
        New-NetFirewallRule @rule -DisplayName $rule.Name -Direction Inbound -Action Allow | Out-Null
    }
}

function Set-Defender {
    # Where Defender is off or another product guards the machine there is nothing to exclude, and pulls are merely slower.
    try { Add-MpPreference -ExclusionProcess $DefenderExclusions } catch { Write-Log "no exclusions in Defender: $_" }
}

function Set-Clock {
    # A clock that is wrong fails the join at its certificates. The AMI sets it by 169.254.169.123.
    Set-Service -Name w32time -StartupType Automatic
    Start-Service -Name w32time
}

function Install-Feature {
    Install-ExpiryTask   # before anything that may fail
    Set-RegistrySetting
    Set-FirewallRule
    Set-Defender
    Set-Clock
    # NodePorts (30000-32767) stay out of the range that Windows hands to outgoing connections.
    Invoke-Native "$env:SystemRoot\System32\netsh.exe" @('int', 'ipv4', 'set', 'dynamicportrange', 'tcp', '34000', '31536') | Out-Null
    $State.hostReady = $true
    if ((Get-WindowsFeature -Name Containers).InstallState -eq 'Available') {
        # Noted before, so that no crash in between can make the restart look done.
        $State.featureBoot = Get-BootId
        Save-State
        # Containers alone: Hyper-V cannot run on a virtual EC2 machine, and process isolation does not need it.
        Install-WindowsFeature -Name Containers | Out-Null
    }
}

function Test-Feature {
    $State.hostReady -and (Get-WindowsFeature -Name Containers).InstallState -in 'Installed', 'InstallPending'
}

function Test-Restart {
    (Get-WindowsFeature -Name Containers).InstallState -eq 'Installed' -and (Get-BootId) -ne $State.featureBoot
}

function Restart-Windows {
    Restart-Computer -Force
    Start-Sleep -Seconds 600   # Windows ends this script on its way down
    throw 'Windows did not restart within 600 s'
}

function Test-Download {
    -not ($Artifacts.Keys | Where-Object { -not (Test-Artifact $_ (Get-ArtifactPath $_)) })
}

function Save-Download {
    foreach ($name in $Artifacts.Keys) { Save-Artifact $name }
}
