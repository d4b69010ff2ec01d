# expiry.Tests.ps1: a node ends itself when its stack's time is over, also when it cannot ask any more.

BeforeDiscovery {
    $Hostile = @("it's", "'; Stop-Computer -Force; '", '$(Stop-Computer -Force)', "```$x`n`"y`"",
    "a$([char] 0x2019)b") |
        ForEach-Object { @{ Text = $_ } }
}
BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Start = [DateTimeOffset] '2026-11-25T09:00:00Z'

    function Get-ExpiringMachine([string] $At = '2026-11-25T12:00:00Z',
        [string] $Name = '/microcosm/dev/expiry') {
        # The first run alone: the task is made before anything that may fail.
        $m = New-Machine @{ ExpiryParameter = $Name }
        $m.Parameters[$Name] = ConvertTo-Json @{ expiresAt = $At; graceMinutes = 60 }
        [void] (Invoke-Script $Node)
        Restart-Machine
        $m
    }
    function Test-Ended($M, [double] $Hours) {
        $M.Now = $Start.AddHours($Hours)
        $M.Stopped = $false
        [void] (Invoke-Script 'C:\microcosm\stop-expired.ps1')
        $M.Stopped
    }
}
AfterAll { Remove-Machine }

Describe 'the end of a stack' {
    It 'the task is there from the first phase on, also on a node that fails later' {
        $m = New-Machine @{ ExpiryParameter = '/microcosm/dev/expiry' }
        $m.Broken = @('netsh.exe')
        Invoke-AtEveryStart $Node | Should -Be 10
        $m.Tasks['microcosm-expiry'] |
            Should -BeLike 'every 5 min;*SYSTEM; *-File C:\microcosm\stop-expired.ps1*'
    }
    It 'the node ends at the expiry and its grace: after <Hours> h <Ends>' -ForEach @(
        @{ Hours = 2.9; Ends = $false }, @{ Hours = 3.9; Ends = $false }, @{ Hours = 4.1; Ends = $true }
    ) { Test-Ended (Get-ExpiringMachine) $Hours | Should -Be $Ends }
    It 'a document without a grace is not believed: <_>' -ForEach '{"expiresAt": "2026-11-25T12:00:00Z"}',
        '{"expiresAt": "2026-11-25T12:00:00Z", "graceMinutes": ""}' {
        $m = Get-ExpiringMachine
        Test-Ended $m 1 | Should -BeFalse
        $m.Parameters['/microcosm/dev/expiry'] = $_
        Test-Ended $m 3.1 | Should -BeFalse -Because 'the last end that was read is at 13:00'
        Test-Ended $m 7.1 | Should -BeTrue
    }
    It 'an offset in the date counts' {
        $m = Get-ExpiringMachine '2026-11-25T14:00:00+02:00'
        Test-Ended $m 3.9 | Should -BeFalse
        Test-Ended $m 4.1 | Should -BeTrue
    }
    It 'an extension is followed' {
        $m = Get-ExpiringMachine
        Test-Ended $m 3 | Should -BeFalse
        $m.Parameters['/microcosm/dev/expiry'] = ConvertTo-Json @{ expiresAt = '2026-11-25T18:00:00Z'
            graceMinutes = 60 }
        Test-Ended $m 9.9 | Should -BeFalse
        Test-Ended $m 10.1 | Should -BeTrue
    }
    It 'a node that cannot ask ends three hours later' {
        $m = Get-ExpiringMachine
        [void] (Test-Ended $m 1)
        $m.Routes = @()
        Test-Ended $m 6.9 | Should -BeFalse
        Test-Ended $m 7.1 | Should -BeTrue
    }
    It 'a node that never could ask ends after the longest life: <Hours> h' -ForEach @{ Hours = 75
        Ends = $false }, @{ Hours = 77; Ends = $true } {
        Test-Ended (Get-ExpiringMachine 'not a date') $Hours | Should -Be $Ends
    }
    It 'a damaged file ends no machine that cannot ask: <What>' -ForEach @(
        @{ What = 'empty'; Text = '' }, @{ What = 'zeros'; Text = "`0`0`0" },
            @{ What = 'a line'; Text = "1`n2" },
        @{ What = 'half'; Text = '17642' }
    ) {
        $m = Get-ExpiringMachine
        $m.Routes = @()
        Set-MachineFile 'C:\microcosm\expiry' $Text
        Test-Ended $m 1 | Should -BeFalse
    }
    It 'what becomes part of a script stays a text: <Text>' -ForEach $Hostile {
        $m = Get-ExpiringMachine '2026-11-25T12:00:00Z' $Text
        Test-Ended $m 1 | Should -BeFalse
        Test-Ended $m 4.1 | Should -BeTrue -Because 'only a name that arrived whole finds the date'
    }
}
