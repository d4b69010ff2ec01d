# bootstrap.Tests.ps1: the user-data itself runs nothing that it has not checked, and run.ps1 repeats the
# script.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Content = [IO.File]::ReadAllText($Node)
    $Start = [DateTimeOffset] '2026-11-25T09:00:00Z'

    function Get-Literal($Value) {
        # As infra/node/userdata.py writes it; in rules.Tests.ps1 PowerShell reads what that has rendered.
        if ($Value -is [string]) { return "'$($Value -replace "'", "''")'" }
        if ($Value -is [hashtable]) {
            $pairs = $Value.GetEnumerator() |
                ForEach-Object { "$(Get-Literal $_.Key) = $(Get-Literal $_.Value)" }
            return "@{$($pairs -join '; ')}"
        }
        "@($(($Value | ForEach-Object { Get-Literal $_ }) -join ', '))"
    }
    function Get-BootingMachine([string] $InBucket = $Content) {
        # A machine on which EC2Launch has put the script out of the user-data; nothing of ours is there.
        $m = New-Machine
        Remove-Item -Path 'C:\microcosm\inputs.xml'
        $m.Log.Clear()
        if ($InBucket) { $m.Web['s3://bucket/node.ps1'] = $InBucket }
        $values = $m.Inputs + @{ ScriptBucket = 'bucket'; ScriptKey = 'node.ps1'
            ScriptSha256 = Get-Sum $Content }
        $head = ($values.GetEnumerator() | ForEach-Object {
            "`$$($_.Key) = $(Get-Literal $_.Value)"
        }) -join "`n"
        Set-MachineFile 'C:\userdata.ps1' ($head + "`n" + [IO.File]::ReadAllText($Bootstrap))
        $m
    }
}
AfterAll { Remove-Machine }

Describe 'bootstrap.ps1' {
    It 'puts the checked script in place and starts it, now and at every start' {
        $m = Get-BootingMachine
        Invoke-Script 'C:\userdata.ps1' | Should -Be 0 -Because "$($m.Console[-1])"
        Get-MachineFile 'C:\microcosm\node.ps1' | Should -Be $Content
        $m.Tasks['microcosm-node'] |
            Should -BeLike ('at startup; IgnoreNew, no limit, priority 4; SYSTEM; *powershell.exe ' +
                '-NoProfile -ExecutionPolicy Bypass -File C:\microcosm\run.ps1')
        $m.Log[-1] | Should -Be 'start task microcosm-node'
        $kept = Import-Clixml 'C:\microcosm\inputs.xml'
        $kept.Count | Should -Be $m.Inputs.Count
        foreach ($name in $m.Inputs.Keys) {
            if ($name -ne 'Artifacts') { $kept[$name] | Should -Be $m.Inputs[$name] -Because $name; continue }
            $kept.Artifacts.Count | Should -Be 7
            foreach ($item in $m.Inputs.Artifacts.GetEnumerator()) {
                $kept.Artifacts[$item.Key].Urls | Should -Be $item.Value.Urls
                $kept.Artifacts[$item.Key].Sum | Should -Be $item.Value.Sum
            }
        }
        Test-Path 'C:\microcosm\node.ps1.part' | Should -BeFalse
    }
    It 'closes the folder before anything is put into it' {
        $m = Get-BootingMachine
        [void] (Invoke-Script 'C:\userdata.ps1')
        $m.Log[0] | Should -BeLike 'icacls.exe C:\microcosm /inheritance:r /grant:r *'
        @($m.Writes.Path -like 'C:\microcosm\*').Count | Should -BeGreaterThan 0
    }
    It 'leads, by run.ps1 and the restart, to a ready node' {
        $m = Get-BootingMachine
        Invoke-Script 'C:\userdata.ps1' | Should -Be 0
        Invoke-AtEveryStart 'C:\microcosm\run.ps1' | Should -Be 0
        Assert-Whole $m
    }
    It 'does not take another script, and tells so' {
        $m = Get-BootingMachine 'another script'
        Invoke-Script 'C:\userdata.ps1' | Should -Be 9
        Test-Path 'C:\microcosm\node.ps1' | Should -BeFalse
        # The task goes on asking for the right one (run.ps1), and runs no other.
        $m.Tasks['microcosm-node'] | Should -BeLike '*run.ps1'
        "$($m.Reports[-1].phase) $($m.Reports[-1].result) $($m.Reports[-1].instance)" |
            Should -Be 'feature failed i-0win'
        $m.Reports[-1].detail | Should -BeLike 'bootstrap: *what is there has another sum'
    }
    It 'tells that S3 refuses, after five minutes' {
        $m = Get-BootingMachine ''
        Invoke-Script 'C:\userdata.ps1' | Should -Be 9
        $m.Reports[-1].detail | Should -BeLike 'bootstrap: no s3://bucket/node.ps1 *: Access Denied'
        ($m.Now - $Start).TotalSeconds | Should -BeGreaterThan 299
    }
    It 'tries a bucket again that does not answer at first' {
        $m = Get-BootingMachine ''
        Add-Event 60 -With $Content { param($M, $Text) $M.Web['s3://bucket/node.ps1'] = $Text }
        Invoke-Script 'C:\userdata.ps1' | Should -Be 0
    }
    It 'keeps what a scanner holds, and does not fetch it again' {
        $m = Get-BootingMachine
        $m.Fetched = 0
        $m.Scans['C:\microcosm\node.ps1.part'] = 40
        Set-Behaviour 'Read-S3Object' { param($Given, $Default, $M) $M.Fetched++; & $Default $Given }
        Invoke-Script 'C:\userdata.ps1' | Should -Be 0 -Because "$($m.Console[-1])"
        $m.Fetched | Should -Be 1
    }
    It 'fetches nothing at a later start' {
        $m = Get-BootingMachine
        [void] (Invoke-Script 'C:\userdata.ps1')
        $m.Web.Clear()
        $m.Routes = @($m.Routes | Where-Object DestinationPrefix -EQ '0.0.0.0/0')
        Invoke-Script 'C:\userdata.ps1' | Should -Be 0
    }
}

Describe 'run.ps1' {
    It 'runs a script that fails again until it does not' {
        $m = Get-BootingMachine
        [void] (Invoke-Script 'C:\userdata.ps1')
        $began, $m.Left, $m.Runs = $m.Now, 2, 0
        Set-Behaviour 'powershell.exe' {
            param($w, $Default, $M)
            $M.Runs++
            if ($M.Left-- -gt 0) { throw 'exit 15: a phase failed' }
        }
        Invoke-Script 'C:\microcosm\run.ps1' | Should -Be 0
        $m.Runs | Should -Be 3
        ($m.Now - $began).TotalSeconds | Should -BeGreaterOrEqual 120
        @($m.Log -like 'powershell.exe *-File C:\microcosm\node.ps1').Count | Should -Be 3
    }
}
