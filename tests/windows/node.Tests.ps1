# node.Tests.ps1: the node's script, from the first start to a ready node: its phases, waits, reports and
# failures.

BeforeDiscovery {
    $Failures = @(
        @{ Phase = 'feature'; Code = 10; Program = 'netsh.exe' },
            @{ Phase = 'containerd'; Code = 13; Program = 'containerd.exe' }
        @{ Phase = 'prepare-node'; Code = 14; Program = 'icacls.exe' },
            @{ Phase = 'join'; Code = 15; Program = 'kubeadm.exe' }
        @{ Phase = 'kube-proxy'; Code = 17; Program = 'host-local.exe' }
    )
    $Torn = @(
        @{ What = 'empty'; Text = '' }, @{ What = 'zeros'; Text = "`0`0`0" },
            @{ What = 'half'; Text = '{"instance": "i-0w' }
        @{ What = 'an array'; Text = '[]' }, @{ What = 'null'; Text = 'null' },
            @{ What = 'no keys'; Text = '{}' }
    )
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')

    function Get-Picture($M) {
        # Every file but the script's own log.
        Get-ChildItem -Recurse -File -Path $M.Root | Where-Object Name -NE 'node.log' |
            ForEach-Object {
                ("$($_.FullName) $($_.LastWriteTimeUtc.Ticks) " +
                    "$([IO.File]::ReadAllText($_.FullName).GetHashCode())")
            }
    }
}
AfterAll { Remove-Machine }

Describe 'the phases' {
    It 'the first start leads through every phase and one restart to a ready node' {
        $m = Get-SettledMachine
        Assert-Whole $m
        $m.Boot | Should -Be 2
        $m.Reports.phase | Should -Be $Phases
        $m.Reports[-1].phases.PSObject.Properties.Name | Should -Be $Phases
        $m.Reports[-1].phases.PSObject.Properties.Value | Where-Object {
            $_.start -gt $_.end
        } | Should -BeNullOrEmpty
    }
    It 'a ready node is left alone: nothing is changed, started or reported' {
        $m = Get-SettledMachine
        $before, $reports, $log = (Get-Picture $m), $m.Reports.Count, $m.Log.Count
        Step-Clock 3600
        Invoke-Script $Node | Should -Be 0
        $m.Reports.Count | Should -Be $reports
        Get-Picture $m | Should -Be $before
        $m.Log | Select-Object -Skip $log | Where-Object {
            $_ -notlike 'kubectl.exe *'
        } | Should -BeNullOrEmpty
    }
    It 'a restart of a ready node needs no metadata' {
        # HNS has just taken the route away; the task that runs every minute puts it back.
        $m = Get-SettledMachine
        $reports = $m.Reports.Count
        Restart-Machine
        Test-Route $Metadata | Should -BeFalse
        Add-Event 60 { Invoke-Script 'C:\microcosm\metadata-routes.ps1' }
        Invoke-AtEveryStart $Node | Should -Be 0
        Assert-Whole $m
        $m.Reports.Count | Should -Be $reports
    }
    It 'an image that has the feature is not restarted, and gets its settings all the same' {
        $m = New-Machine
        $m.Feature = 'Installed'
        Invoke-AtEveryStart $Node | Should -Be 0
        $m.Boot | Should -Be 1
        $m.Registry['HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU'].NoAutoUpdate |
            Should -Be 'DWord 1'
    }
    It 'a feature is not believed to be there before the restart, whatever Windows says' {
        $m = New-Machine
        $m.AfterInstall = 'Installed'
        Invoke-AtEveryStart $Node | Should -Be 0
        $m.Boot | Should -Be 2
    }
    It 'power lost right after the feature was installed does not make the restart look done' {
        $m = New-Machine
        $m.AfterInstall = 'Installed'
        Set-Behaviour 'Install-WindowsFeature' {
            param($Given, $Default, $M)
            & $Default $Given
            $M.CrashAt = $M.Calls + 1
            Step 'power'
        }
        [void] (Invoke-Script $Node)
        $m.Crashes | Should -Be 1
        $m.Dead = $false   # the same start of Windows goes on
        $m.Behaviours.Clear()
        Invoke-AtEveryStart $Node | Should -Be 0
        $m.Boot | Should -Be 2
    }
    It 'the image pull begins before the join' {
        $m = Get-SettledMachine
        $pull = $m.Log.FindIndex({ $args[0] -like 'start ctr.exe*mcr.microsoft.com/wcf:1' })
        $pull | Should -BeGreaterThan -1
        $pull | Should -BeLessThan ($m.Log.FindIndex({ $args[0] -like 'kubeadm.exe join*' }))
    }
    It 'the conflist comes after the network, because with it the node counts as ready for pods' {
        $m = New-Machine
        $m.HnsConfused = $m.HnsStaysConfused = $true
        Invoke-AtEveryStart $Node | Should -Be 16
        Test-Path 'C:\etc\cni\net.d\10-flannel.conflist' | Should -BeFalse
        Test-Path 'C:\etc\kubernetes\kubelet.conf' | Should -BeTrue
    }
    It 'a confused HNS is reset once' {
        $m = New-Machine
        $m.HnsConfused = $true
        Set-MachineFile 'C:\ProgramData\Microsoft\Windows\HNS\HNS.data' 'networks that are gone'
        Invoke-AtEveryStart $Node | Should -Be 0
        Assert-Whole $m
    }
}

Describe 'failures' {
    It 'a phase that fails is named with its own exit code and the reason: <Phase>' -ForEach $Failures {
        $m = New-Machine
        $m.Broken = @($Program)
        Invoke-AtEveryStart $Node | Should -Be $Code
        $last = $m.Reports[-1]
        "$($last.phase) $($last.result)" | Should -Be "$Phase failed"
        $last.detail | Should -BeLike "*$Program is broken and says so*"
        $last.detail.Length | Should -BeLessOrEqual 500
        Test-Path 'C:\microcosm\join.yaml' |
            Should -BeFalse -Because 'the token stays nowhere, also after a failure'
    }
    It 'what a program that succeeds says on stderr is no result' {
        $m = New-Machine
        Set-Behaviour 'kubectl.exe' {
            param($Given, $Default)
            Write-Error 'E1130 noise' -ErrorAction Continue
            & $Default $Given
        }
        Invoke-AtEveryStart $Node | Should -Be 0
    }
    It 'a state that cannot be read is started anew: <What>' -ForEach $Torn {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\microcosm\state.json' $Text
        Invoke-AtEveryStart $Node | Should -Be 0
        (Get-MachineFile 'C:\microcosm\state.json' | ConvertFrom-Json).instance | Should -Be 'i-0win'
    }
    It 'reports that cannot be sent hold up nothing' {
        $m = New-Machine
        Set-Behaviour 'Write-SSMParameter' { throw 'throttled' }
        Invoke-AtEveryStart $Node | Should -Be 0
        Test-NodeReady | Should -BeTrue
    }
    It 'the last report is sent until it is taken: <Result>' -ForEach @{ Result = 'ok'; Broken = @() },
        @{ Result = 'failed'; Broken = @('kubeadm.exe') } {
        # `pulumi up` waits for it, and the Parameter Store takes three a second of a whole account.
        $m = New-Machine
        $m.Broken = $Broken
        $m.Refusals = 3
        Set-Behaviour 'Write-SSMParameter' {
            param($Given, $Default, $M)
            if ($Given.Value -notmatch '"running"' -and $M.Refusals-- -gt 0) { throw 'throttled' }
            & $Default $Given
        }
        [void] (Invoke-AtEveryStart $Node)
        $m.Reports[-1].result | Should -Be $Result
        $m.Refusals | Should -BeLessOrEqual 0
    }
}
