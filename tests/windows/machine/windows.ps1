# windows.ps1: features, registry, firewall, Defender and tasks.

$BootCounter = 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters'
$CurrentVersion = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$RebootPending = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending'

function Initialize-Windows {
    $M.Feature = 'Available'; $M.AfterInstall = 'InstallPending'; $M.Build = 17763
    $M.BootTime = $M.Now
    $M.Registry = @{ $BootCounter = @{ BootId = 7 }
        $CurrentVersion = @{ CurrentBuildNumber = "$($M.Build)" } }
    $M.Firewall = @{}
    $M.Services = @{}
    Add-Service 'w32time' 'C:\Windows\System32\svchost.exe' 'Manual'
    Add-Service 'hns' 'C:\Windows\System32\svchost.exe' 'Automatic' 'Running'
    foreach ($name in 'tar', 'sc', 'icacls', 'netsh', 'taskkill', 'curl') {
        Set-MachineFile "C:\Windows\System32\$name.exe" $name
    }
    Set-MachineFile 'C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe' 'powershell'
}

function Restart-Windows {
    $M.BootTime = $M.Now
    # A counter that is missing or stands still stays so (kubernetes/kubernetes#108704).
    if ($M.Registry[$BootCounter].ContainsKey('BootId') -and -not $M.CounterStands) {
        $M.Registry[$BootCounter].BootId++
    }
    $M.Registry.Remove($RebootPending)
    if ($M.Feature -eq 'InstallPending') { $M.Feature = 'Installed' }
}

$Behaviours['Get-WindowsFeature'] = {
    param($Given)
    [pscustomobject] @{ Name = "$($Given.Name)"; InstallState = $M.Feature
        Installed = $M.Feature -eq 'Installed' }
}
$Behaviours['Install-WindowsFeature'] = {
    param($Given)
    if ("$($Given.Name)" -ne 'Containers') {
        # kubernetes-sigs/sig-windows-tools#296
        throw ("$($Given.Name) cannot be installed: The processor does not have the required " +
            "virtualization capabilities.")
    }
    if ($M.Registry.ContainsKey($RebootPending)) {   # chocolatey-community/boxstarter#224
        throw 'The operation cannot be completed, because the server that you specified requires a restart.'
    }
    if ($M.Feature -eq 'Removed') { throw 'The source files could not be found. Error: 0x800f081f' }
    if ($M.Feature -eq 'Available') { $M.Feature = $M.AfterInstall }
    [pscustomobject] @{ Success = $true; RestartNeeded = 'Yes'; ExitCode = 'SuccessRestartRequired' }
}

$Behaviours['Get-ItemProperty'] = {
    param($Given)
    $path = @($Given.Path + $Given.LiteralPath)[0]
    $key = if ($M.Registry.ContainsKey($path)) { $M.Registry[$path] } else { Get-ServiceKey $path }
    if ($null -eq $key) { Write-Error "Cannot find path '$path' because it does not exist."; return }
    $values = @{} + $key
    foreach ($name in @($values.Keys)) {
        if ($values[$name] -is [string]) { $values[$name] = $values[$name] -replace '^DWord ' }
    }
    if ($Given.Name -and -not $values.ContainsKey($Given.Name[0])) {
        Write-Error "Property $($Given.Name) does not exist at path $path."
        return
    }
    if ($path -eq $CurrentVersion) { $values.CurrentBuildNumber = "$($M.Build)" }
    [pscustomobject] $values
}
$Behaviours['New-ItemProperty'] = {
    param($Given)
    $path = $Given.Path[0]
    if (-not $M.Registry.ContainsKey($path)) { throw "Cannot find path '$path' because it does not exist." }
    if ($M.Registry[$path].ContainsKey($Given.Name) -and -not $Given.Force) {
        throw 'The property already exists.'
    }
    $M.Registry[$path][$Given.Name] = "$($Given.PropertyType) $($Given.Value)"
}
$Behaviours['Set-ItemProperty'] = {
    param($Given)
    $path = $Given.Path[0]
    if (-not $M.Registry.ContainsKey($path)) { throw "Cannot find path '$path' because it does not exist." }
    $M.Registry[$path][$Given.Name] = "$($Given.Type) $($Given.Value)".Trim()
}

$Behaviours['Add-MpPreference'] = {
    param($Given)
    $M.Excluded = @($M.Excluded + $Given.ExclusionProcess | Select-Object -Unique)
}
$Behaviours['Get-NetFirewallRule'] = {
    param($Given)
    if ($M.Firewall.ContainsKey($Given.Name[0])) {
        # Enabled is an enumeration: True and False (Microsoft, MSFT_NetFirewallRule).
        $enabled = if ($M.Firewall[$Given.Name[0]] -like '*disabled') { 'False' } else { 'True' }
        $action, $direction, $null = $M.Firewall[$Given.Name[0]] -split ' '
        return [pscustomobject] @{ Name = $Given.Name[0]; Enabled = $enabled; Action = $action
            Direction = $direction }
    }
    Write-Error "No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to '$($Given.Name)'."
}
$Behaviours['Get-NetFirewallPortFilter'] = {
    # One filter a rule (Microsoft, Get-NetFirewallPortFilter).
    param($Given)
    $null, $null, $protocol, $port = $M.Firewall[$Given.AssociatedNetFirewallRule.Name] -split ' '
    [pscustomobject] @{ Protocol = $protocol; LocalPort = @($port)[0] }
}
$Behaviours['Remove-NetFirewallRule'] = {
    param($Given)
    if (-not $M.Firewall.ContainsKey($Given.Name[0])) {
        Write-Error ("No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to " +
            "'$($Given.Name)'.")
    }
    $M.Firewall.Remove($Given.Name[0])
}
$Behaviours['New-NetFirewallRule'] = {
    param($Given)
    if ($M.Firewall.ContainsKey($Given.Name)) {
        Write-Error 'Cannot create a file when that file already exists.'
        return
    }
    $M.Firewall[$Given.Name] = "$($Given.Action) $($Given.Direction) $($Given.Protocol) $($Given.LocalPort)"
}

$Behaviours['New-ScheduledTaskAction'] = { param($Given) "$($Given.Execute) $($Given.Argument)" }
$Behaviours['New-ScheduledTaskTrigger'] = {
    param($Given)
    if ($Given.AtStartup) { return 'at startup' }
    if ($Given.RepetitionInterval) { return "every $($Given.RepetitionInterval.TotalMinutes) min" }
    'once'
}
$Behaviours['New-ScheduledTaskSettingsSet'] = {
    param($Given)
    $text = @(
        if ($Given.MultipleInstances) { $Given.MultipleInstances }
        if ($Given.ContainsKey('ExecutionTimeLimit')) {
            if ($Given.ExecutionTimeLimit -eq [TimeSpan]::Zero) { 'no limit' } else {
                "$($Given.ExecutionTimeLimit)"
            }
        }
        if ($Given.ContainsKey('Priority')) { "priority $($Given.Priority)" }
    )
    $text -join ', '
}
$Behaviours['Register-ScheduledTask'] = {
    param($Given)
    if ($M.Tasks.ContainsKey($Given.TaskName) -and -not $Given.Force) {
        Write-Error 'Cannot create a file when that file already exists.'
        return
    }
    $M.DisabledTasks = @($M.DisabledTasks -ne $Given.TaskName)
    $parts = @($Given.Trigger) + $Given.Settings + $Given.User + $Given.Action
    $M.Tasks[$Given.TaskName] = ($parts | Where-Object { $_ }) -join '; '
}
$Behaviours['Unregister-ScheduledTask'] = {
    param($Given)
    foreach ($name in $Given.TaskName) {
        if (-not $M.Tasks.ContainsKey($name)) {
            Write-Error "No MSFT_ScheduledTask objects found with property 'TaskName' equal to '$name'."
        }
        $M.Tasks.Remove($name)
    }
}
$Behaviours['Start-ScheduledTask'] = {
    param($Given)
    if (-not $M.Tasks.ContainsKey($Given.TaskName)) {
        Write-Error 'The system cannot find the file specified.'
        return
    }
    $M.Log.Add("start task $($Given.TaskName)")
}
$Behaviours['Stop-ScheduledTask'] = { param($Given) $M.Log.Add("stop task $($Given.TaskName)") }
$Behaviours['Get-ScheduledTask'] = {
    param($Given)
    $found = @($M.Tasks.Keys | Where-Object { -not $Given.TaskName -or $_ -in $Given.TaskName })
    if (-not $found) {
        Write-Error ("No MSFT_ScheduledTask objects found with property 'TaskName' equal to " +
            "'$($Given.TaskName)'.")
        return
    }
    foreach ($name in $found) {
        $state = if ($name -in $M.DisabledTasks) {
            'Disabled'
        } elseif ($name -in $M.RunningTasks) { 'Running' } else { 'Ready' }
        $execute, $arguments = ($M.Tasks[$name] -split '; ')[-1] -split ' ', 2
        $action = [pscustomobject] @{ Execute = $execute; Arguments = $arguments }
        [pscustomobject] @{ TaskName = $name; State = $state; Actions = @($action) }
    }
}
