# States.Tests.ps1: a machine that cannot become ready reports it, with the reason, within a bounded time.
# The table is docs/evidence/windows-states.md: each of its rows is a test, and each state below is a row.

BeforeDiscovery {
    $page = [IO.File]::ReadAllLines((Join-Path $PSScriptRoot '../../docs/evidence/windows-states.md'))
    $Rows = @(foreach ($line in $page) {
            if ($line -match '^\| ([\w.-]+) \| (.+?) \| `(.+)` \| (\d+) \|$') {
                @{ Phase = $Matches[1]; Wrong = $Matches[2]; Says = $Matches[3]; Within = [int] $Matches[4] }
            }
        })
    . (Join-Path $PSScriptRoot 'machine/states.ps1')
    $Names = @($States.Keys)
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    . (Join-Path $PSScriptRoot 'machine/states.ps1')
    # What run.ps1 itself reports is of the phase before, or of the first one.
    $Reported = @{ bootstrap = 'feature'; 'run.ps1' = 'feature' }
}
AfterAll { Remove-Machine }

Describe 'the table' {
    It 'has a row for each state, and a state for each row' -ForEach @{ Rows = $Rows; Names = $Names } {
        @($Rows | ForEach-Object {
            "$($_.Phase): $($_.Wrong)"
        }) | Sort-Object | Should -Be ($Names | Sort-Object)
    }
}

Describe 'a machine that cannot become ready' {
    It 'says so in <Phase>: <Wrong>' -ForEach $Rows {
        $m = New-Machine
        $m.Web['s3://bucket/node.ps1'] = [IO.File]::ReadAllText($Node)
        if ($Phase -ne 'run.ps1') { & $States["${Phase}: $Wrong"] $m }
        $began = $m.Now
        Add-RouteTask
        $code = Start-Userdata $m
        if ($Phase -eq 'run.ps1') { & $States["${Phase}: $Wrong"] $m }
        if (-not $code) { Invoke-Run $m 1 -Failure | Should -Be 77 -Because "$($m.Reports[-1])" }
        $last = $m.Reports[-1]
        if ($env:STATES_SEEN) {
            [IO.File]::AppendAllText($env:STATES_SEEN,
                "$Phase | $Wrong | $([int] ($m.ReportedAt[-1] - $began).TotalSeconds) | $($last.detail)`n")
        }
        "$($last.phase) $($last.result)" |
            Should -Be "$(if ($Reported[$Phase]) { $Reported[$Phase] } else { $Phase }) failed"
        $last.instance | Should -Be $m.Instance
        $last.detail | Should -BeLike "*$([WildcardPattern]::Escape($Says).Replace('...', '*'))*"
        ($m.ReportedAt[-1] - $began).TotalSeconds | Should -BeLessOrEqual $Within
    }
}
