# Waits.Tests.ps1: nothing is waited for without a limit, and Windows is restarted where that is needed, and
# not for ever.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Never = [double]::PositiveInfinity
    function Get-Last($M) { "$($M.Reports[-1].phase) $($M.Reports[-1].result): $($M.Reports[-1].detail)" }
    function Assert-Failed($M, [string] $Phase, [string] $Pattern) {
        "$($M.Reports[-1].phase) $($M.Reports[-1].result)" | Should -Be "$Phase failed"
        $M.Reports[-1].detail | Should -Match $Pattern
        $M.Reports[-1].instance | Should -Be $M.Instance
    }
    function Invoke-Repeatedly($M) {
        # As run.ps1: again after a minute, while it fails.
        foreach ($run in 1..4) { $code = Invoke-AtEveryStart $Node; if (-not $code) { break }; Step-Clock 60 }
        $code
    }
}
AfterAll { Remove-Machine }

Describe 'services that stay pending' {
    It '<Name> that does not stop is told, not waited for' -ForEach @(
        @{ Name = 'containerd'; File = 'C:\Program Files\containerd\config.toml'; Phase = 'containerd' }
        @{ Name = 'kubelet'; File = 'C:\k\StartKubelet.ps1'; Phase = 'prepare-node' }
        @{ Name = 'flanneld'; File = 'C:\k\net-conf.json'; Phase = 'flannel' }
        @{ Name = 'kube-proxy'; File = ''; Phase = 'kube-proxy' }
    ) {
        $m = Get-SettledMachine
        if ($File) { Set-MachineFile $File 'changed' } else {
            $m.Services[$Name].Settings.AppParameters = 'changed'
        }
        $m.Services[$Name].StopTakes = $Never
        Invoke-AtEveryStart $Node | Should -BeGreaterThan 9
        Assert-Failed $m $Phase "no stop of the service $Name within 120 s: it is StopPending"
    }
    It 'w32time that does not start is told' {
        $m = New-Machine
        $m.Services.w32time.StartTakes = $Never
        Invoke-AtEveryStart $Node | Should -Be 10
        Assert-Failed $m 'feature' 'no start of the service w32time within 120 s: it is StartPending'
    }
    It 'a service that takes a minute to start is waited for' {
        $m = New-Machine
        $m.Services.w32time.StartTakes = 60
        Invoke-AtEveryStart $Node | Should -Be 0
    }
    It 'HNS that hangs is ended by a restart of Windows, three times at the most' {
        $m = New-Machine
        $m.HnsConfused = $true
        $m.Services.hns.StopTakes = $Never
        Set-MachineFile 'C:\ProgramData\Microsoft\Windows\HNS\HNS.data' 'networks that are gone'
        Invoke-Repeatedly $m | Should -Be 16
        Assert-Failed $m 'flannel' 'restarted 3 times, and still HNS hangs: no stop of the service hns'
        $m.Boot | Should -BeLessOrEqual 5
        @($m.Reports | Where-Object {
            $_.detail -like 'Windows restarts: HNS hangs*'
        }).Count | Should -BeGreaterThan 0
    }
}

Describe 'restarts' {
    It 'one that is pending from before is made, and the feature installed after it' {
        $m = New-Machine
        $m.Registry[('HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based ' +
            'Servicing\RebootPending')] = @{}
        Invoke-AtEveryStart $Node | Should -Be 0 -Because (Get-Last $m)
        $m.Boot | Should -Be 3
        $m.Reports.detail | Should -Contain ('Windows restarts: a restart from before is pending, and no ' +
            'feature can be installed')
    }
    It 'one that is needed by another mark is made after a failure: <_>' -ForEach @(
        'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootInProgress'
        'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\PackagesPending'
        'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired'
        'HKLM:\SOFTWARE\Microsoft\ServerManager\CurrentRebootAttempts'
    ) {
        $m = New-Machine
        $m.Registry[$_] = @{}
        Set-Behaviour 'Install-WindowsFeature' {
            param($Given, $Default, $M)
            if ($M.Boot -eq 1) { throw 'the server that you specified requires a restart.' }
            & $Default $Given
        }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because (Get-Last $m)
        $m.Boot | Should -Be 3
    }
    It 'a mark that stays restarts nothing where the feature can be installed' {
        $m = New-Machine
        $m.Registry[('HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto ' +
            'Update\RebootRequired')] = @{}
        Invoke-AtEveryStart $Node | Should -Be 0 -Because (Get-Last $m)
        $m.Boot | Should -Be 2
    }
    It 'one that is pending for ever is told after the third' {
        $m = New-Machine
        Set-Behaviour 'Test-Path' {
            param($Given, $Default)
            if ("$($Given.Path)" -like '*\RebootPending') { $true } else { & $Default $Given }
        }
        Invoke-Repeatedly $m | Should -Be 10
        Assert-Failed $m 'feature' 'restarted 3 times, and still a restart from before is pending'
        $m.Boot | Should -Be 4
    }
    It 'a boot counter that stands still is told after the third' {
        $m = New-Machine
        $m.CounterStands = $true
        Invoke-Repeatedly $m | Should -Be 11
        Assert-Failed $m 'reboot' ('restarted 3 times, and still the boot counter, BootId of ' +
            'HKLM:.*PrefetchParameters, is still 7')
        $m.Boot | Should -Be 4
    }
    It 'a feature that never leaves InstallPending is told after the third' {
        $m = New-Machine
        Set-Behaviour 'Get-WindowsFeature' {
            param($Given, $Default, $M)
            [pscustomobject] @{ InstallState = $(if ($M.Boot -eq 1) { $M.Feature } else {
                'InstallPending'
            }) }
        }
        Invoke-Repeatedly $m | Should -Be 11
        Assert-Failed $m 'reboot' 'restarted 3 times, and still the feature Containers is InstallPending'
    }
    It 'a feature that Windows takes back at each start is told' {
        $m = New-Machine
        Set-Behaviour 'Get-WindowsFeature' {
            param($Given, $Default, $M)
            [pscustomobject] @{ InstallState = $(if ($M.Restarting -or $M.Feature -eq 'Installed') {
                $M.Feature = 'Available'
                'Available'
            } else { $M.Feature }) }
        }
        Invoke-Repeatedly $m | Should -BeGreaterThan 9
        $m.Reports[-1].result | Should -Be 'failed'
        $m.Boot | Should -BeLessOrEqual 5
    }
    It 'a restart that somebody else makes meanwhile is no failure' {
        $m = New-Machine
        Set-Behaviour 'Restart-Computer' {
            param($Given, $Default, $M)
            Add-Event 30 { param($M) $M.Restarting = $true }
            throw 'A system shutdown is in progress.'
        }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because (Get-Last $m)
        $m.Boot | Should -Be 2
    }
    It 'a restart that does not come is told' {
        $m = New-Machine
        Set-Behaviour 'Restart-Computer' { param($Given, $Default, $M) $M.Log.Add('restart') }
        Invoke-AtEveryStart $Node | Should -Be 11
        Assert-Failed $m 'reboot' ('did not restart within 600 s; it was to, because the feature ' +
            'Containers is InstallPending')
    }
    It 'a restart that cannot be counted is not made' {
        $m = New-Machine
        $m.AfterInstall = 'InstallPending'
        Set-Behaviour 'Install-WindowsFeature' {
            param($Given, $Default, $M)
            & $Default $Given
            $M.DiskFull = $true
        }
        Invoke-AtEveryStart $Node | Should -Be 11
        Assert-Failed $m 'reboot' 'not enough space'
        $m.Boot | Should -Be 1
    }
}

Describe 'runs that hang' {
    It 'a run of <_> is ended after five minutes' -ForEach 'microcosm-expiry', 'microcosm-metadata-routes',
        'microcosm-watch' {
        $m = Get-SettledMachine @{ ExpiryParameter = '/microcosm/dev/expiry' }
        $m.Tasks[$_] | Should -Match 'IgnoreNew, 00:05:00'
    }
    It 'a run of the node''s script that has not moved for two hours is ended: <Case>' -ForEach @(
        @{ Case = 'hung'; Started = -130; Written = -125; Ended = $true }
        @{ Case = 'a phase that goes on'; Started = -130; Written = -30; Ended = $false }
        @{ Case = 'a new run on an old state'; Started = -30; Written = -300; Ended = $false }
    ) {
        $m = Get-SettledMachine
        $m.Processes = @([pscustomobject] @{ Name = 'powershell'; Id = 77
            Path = 'C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe' })
        $m.RunStarted = $m.Now.LocalDateTime.AddMinutes($Started)
        Set-Behaviour 'Get-CimInstance' {
            param($Given, $Default, $M)
            $Given.ClassName | Should -Be 'Win32_Process'
            [pscustomobject] @{ Handle = '77'; CreationDate = $M.RunStarted
                CommandLine = '"powershell.exe" -NoProfile -File C:\microcosm\node.ps1' }
            [pscustomobject] @{ Handle = '78'; CreationDate = $M.RunStarted; CommandLine = $null }
        }
        $file = Get-Item (Get-RealPath 'C:\microcosm\state.json')
        $file.LastWriteTime = $m.Now.LocalDateTime.AddMinutes($Written)
        Invoke-Script 'C:\microcosm\watch.ps1' | Should -Be 0
        ($m.Processes.Count -eq 0) | Should -Be $Ended
    }
    It 'each attempt of a phase is written down, so that a phase that goes on is not ended' {
        $m = New-Machine
        $m.Broken = @('netsh.exe')
        Invoke-AtEveryStart $Node | Should -Be 10
        (Get-MachineFile 'C:\microcosm\state.json' | ConvertFrom-Json).attempts | Should -Be 3
    }
    It 'no further attempt begins after 40 minutes: the report must not wait for hours' {
        $m = New-Machine
        $m.Parameters['/microcosm/dev/join'] = 'pending'
        $began = $m.Now
        Invoke-AtEveryStart $Node | Should -Be 15
        ($m.Now - $began).TotalMinutes | Should -BeLessThan 60
        Assert-Failed $m 'join' ('no /microcosm/dev/join of i-0cp within 2400 s: the control plane has ' +
            'not written it yet')
    }
}
