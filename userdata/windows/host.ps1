# host.ps1: what Windows itself needs before it can be a node: settings, the Containers feature, the restart,
# downloads.

# HNS fixes that ship switched off on some builds, as image-builder sets them (kubernetes-sigs/image-builder
# ae63061, images/capi/ansible/windows/roles, systemprep and runtimes). Build 0 is every build.
$RegistrySettings = @(
    # Patch day must not restart a node: a new node gets this month's AMI.
    @{ Build = 0; Key = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU'; Name = 'NoAutoUpdate'
        Value = 1 }
    # Without it a pod cannot resolve the names of SMB shares and domains (kubernetes-sigs/windows-gmsa#30).
    @{ Build = 0; Key = 'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State'
        Name = 'EnableCompartmentNamespace'; Value = 1 }
    @{ Build = 17763; Key = 'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State'; Name = 'HNSControlFlag'
        Value = 80 }
    @{ Build = 17763; Key = 'HKLM:\SYSTEM\CurrentControlSet\Services\wcifs'; Name = 'WcifsSOPCountDisabled'
        Value = 0 }
    @{ Build = 20348; Key = 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides'
        Name = '1114842764'; Value = 0 }
    @{ Build = 26100; Key = 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides'
        Name = '520997518'; Value = 1 }
)
# PrepareNode.ps1 opens kubelet's 10250.
$FirewallRules = @(
    @{ Name = 'microcosm-vxlan'; Protocol = 'UDP'; LocalPort = '4789' }
    @{ Name = 'microcosm-nodeports-tcp'; Protocol = 'TCP'; LocalPort = '30000-32767' }
    @{ Name = 'microcosm-nodeports-udp'; Protocol = 'UDP'; LocalPort = '30000-32767' }
)
# Defender scans every layer that these unpack, which multiplies the time of a pull.
$DefenderExclusions = @(
    "$env:ProgramFiles\containerd\containerd.exe",
    "$env:ProgramFiles\containerd\containerd-shim-runhcs-v1.exe",
    "$env:ProgramFiles\containerd\ctr.exe", 'C:\k\kubelet.exe', 'C:\k\kube-proxy.exe', 'C:\k\flanneld.exe'
)
# Windows sets this key while a restart from before is pending, and then installs no feature
# (chocolatey-community/boxstarter#224).
$RestartPending = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'
# Other marks of a restart that is pending. Some stay where none is needed, so they count after a failure
# alone.
$RestartMarks = @(
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootInProgress'
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\PackagesPending'
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
    'HKLM:\SOFTWARE\Microsoft\ServerManager\CurrentRebootAttempts'
)
# The counter that Windows raises at each start; kubelet's own boot id (kubernetes,
# pkg/kubelet/winstats/perfcounter_nodestats_windows.go).
$BootCounter = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters'

$MaxRestarts = 3

function Get-BootId {
    $id = (Get-ItemProperty -Path $BootCounter).PSObject.Properties['BootId']
    Assert-That ([bool] $id) ("Windows has no boot counter, the value BootId of $BootCounter; the kubelet " +
        "needs it as well")
    [string] $id.Value
}

function Get-DefaultRoute {
    # Of several default routes Windows uses the one with the least sum of both metrics (rancher/windows#121).
    Get-NetRoute -DestinationPrefix 0.0.0.0/0 -ErrorAction Stop |
        Sort-Object -Property { $_.RouteMetric + $_.InterfaceMetric }, ifIndex | Select-Object -First 1
}

function Get-NodeIp {
    # Kept from before the first network: while HNS rebuilds the adapter there is no address to be read. EC2
    # knows the machine's own address; without its metadata service that of the default route is taken.
    if (-not $State.nodeIp) {
        $address = try { Get-Metadata 'local-ipv4' } catch { '' }
        if ($address -notmatch '^\d+(\.\d+){3}$') {
            $of = @{ InterfaceIndex = (Get-DefaultRoute).ifIndex; AddressFamily = 'IPv4' }
            $address = Get-NetIPAddress @of -ErrorAction Stop |
                Where-Object { $_.IPAddress -notlike '169.254.*' } |
                Sort-Object -Property SkipAsSource, @{ Expression = 'PrefixOrigin'; Descending = $true } |
                Select-Object -First 1 | ForEach-Object { $_.IPAddress }
        }
        Assert-That ([bool] $address) 'the adapter of the default route has no IPv4 address'
        $State.nodeIp = $address
        Save-State
    }
    $State.nodeIp
}

function Get-RegistrySetting {
    $build = [int] (Get-ItemProperty -Path ('HKLM:\SOFTWARE\Microsoft\Windows ' +
        'NT\CurrentVersion')).CurrentBuildNumber
    $RegistrySettings | Where-Object { $_.Build -in 0, $build }
}

function Set-RegistrySetting {
    foreach ($setting in Get-RegistrySetting) {
        if (-not (Test-Path $setting.Key)) { New-Item -Force -Path $setting.Key | Out-Null }
        $value = @{ Path = $setting.Key; Name = $setting.Name; Value = $setting.Value
            PropertyType = 'DWord' }
        New-ItemProperty @value -Force | Out-Null
    }
}

function Set-FirewallRule {
    foreach ($rule in $FirewallRules) {
        Remove-NetFirewallRule -Name $rule.Name -ErrorAction SilentlyContinue
        New-NetFirewallRule @rule -DisplayName $rule.Name -Direction Inbound -Action Allow -ErrorAction Stop |
            Out-Null
    }
}

function Set-Defender {
    # Where Defender is off or another product guards the machine there is nothing to exclude, and pulls are
    # merely slower.
    try { Add-MpPreference -ExclusionProcess $DefenderExclusions -ErrorAction Stop }
    catch { Write-Log "no exclusions in Defender: $_" }
}

function Set-Clock {
    # A clock that is wrong fails the join at its certificates. The AMI sets it by 169.254.169.123.
    Set-Service -Name w32time -StartupType Automatic
    Start-OneService 'w32time'
}

function Get-FeatureState {
    $feature = Get-WindowsFeature -Name Containers
    Assert-That ([bool] $feature) ('Windows knows no feature Containers; it takes Windows Server 2019, ' +
        '2022 or 2025')
    "$($feature.InstallState)"
}

function Install-Feature {
    Install-ExpiryTask   # before anything that may fail
    Install-WatchTask
    Set-Defender
    # NodePorts (30000-32767) stay out of the range that Windows hands to outgoing connections.
    $range = 'int', 'ipv4', 'set', 'dynamicportrange', 'tcp', '34000', '31536'
    Invoke-Native "$env:SystemRoot\System32\netsh.exe" $range | Out-Null
    Set-Clock
    # Last what Confirm-Host looks at: it stands for the others as well.
    Set-RegistrySetting
    Set-FirewallRule
    $found = Get-FeatureState
    if ($found -in 'Installed', 'InstallPending') { return }
    Assert-That ($found -eq 'Available') (("Windows says that its feature Containers is $found, so it " +
        "cannot be installed ") +
        'from this image; use one where it is Available or Installed')
    if (Test-Path $RestartPending) {
        Restart-Windows 'a restart from before is pending, and no feature can be installed' -Report
    }
    # Noted before, so that no crash in between can make the restart look done.
    $State.featureBoot = Get-BootId
    Save-State
    # Containers alone: Hyper-V cannot run on a virtual EC2 machine, and process isolation does not need it.
    try { Install-WindowsFeature -Name Containers | Out-Null }
    catch {
        if (-not ($RestartMarks | Where-Object { Test-Path $_ })) { throw }
        Restart-Windows "no feature can be installed: $_" -Report
    }
}

function Confirm-Host {
    foreach ($setting in Get-RegistrySetting) {
        $name = $setting.Name
        $found = if (Test-Path $setting.Key) {
            (Get-ItemProperty -Path $setting.Key).PSObject.Properties[$name]
        }
        Assert-That ($found -and $found.Value -eq $setting.Value) ("$($setting.Key) does not have $name = " +
            "$($setting.Value)")
    }
    foreach ($rule in $FirewallRules) {
        $found = Get-NetFirewallRule -Name $rule.Name -ErrorAction SilentlyContinue
        Assert-That ($found -and "$($found.Enabled)" -eq 'True') ("the firewall has no rule $($rule.Name) " +
            "that is enabled")
        $ports = Get-NetFirewallPortFilter -AssociatedNetFirewallRule $found -ErrorAction Stop
        $opens = "$($found.Action) $($found.Direction) $($ports.Protocol) $($ports.LocalPort)"
        $right = $opens -eq "Allow Inbound $($rule.Protocol) $($rule.LocalPort)"
        Assert-That $right "the firewall's rule $($rule.Name) is '$opens'"
    }
    Assert-That ("$((Get-Service -Name w32time).StartType)" -eq 'Automatic') ('the service w32time does ' +
        'not start by itself')
}

function Confirm-Feature {
    Confirm-Task 'microcosm-watch' $WatchScript (Get-WatchText)
    if ($ExpiryParameter) { Confirm-Task 'microcosm-expiry' $ExpiryScript (Get-ExpiryText) }
    Confirm-Host
    $found = Get-FeatureState
    Assert-That ($found -in 'Installed', 'InstallPending') "the feature Containers is $found"
}

function Confirm-Restart {
    $found = Get-FeatureState
    Assert-That ($found -eq 'Installed') "the feature Containers is $found"
    if (-not $State.featureBoot) { return }   # the image had it
    Assert-That ((Get-BootId) -cne $State.featureBoot) ("the boot counter, BootId of $BootCounter, is " +
        "still $($State.featureBoot)")
}

function Restart-Windows([string] $Reason, [switch] $Report) {
    # Counted, and noted before: a restart that mends nothing must not be made without end.
    if ($State.restarts -ge $MaxRestarts) {
        throw "Windows was restarted $($State.restarts) times, and still $Reason"
    }
    $State.restarts++
    Save-State
    if ($Report) { Send-Report $Run.phase 'running' "Windows restarts: $Reason" }
    try { Restart-Computer -Force }
    catch { Write-Log "not restarted, perhaps because another restart is under way: $_" }
    Start-Sleep -Seconds 600   # Windows ends this script on its way down
    throw "Windows did not restart within 600 s; it was to, because $Reason"
}

function Restart-ForFeature {
    $reason = try { Confirm-Restart } catch { "$_" }
    Restart-Windows $reason
}

function Confirm-Download {
    foreach ($name in $Artifacts.Keys) {
        Assert-That (Test-Artifact $name (Get-ArtifactPath $name)) "$name is not there, or not whole"
    }
}

function Save-Download {
    foreach ($name in $Artifacts.Keys) { Save-Artifact $name }
}
