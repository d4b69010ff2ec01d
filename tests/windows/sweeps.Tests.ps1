# sweeps.Tests.ps1: the script is interrupted at each change that it makes to the machine, and the next start
# mends it.
# $env:EVERY says how many points are passed over; 1 takes all. Each test asserts that its interruption came.

BeforeDiscovery {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $m = New-Machine
    if (Invoke-AtEveryStart $Node) {
        throw "no whole walk to interrupt: $($m.Reports[-1].detail) $($m.Console[-1])"
    }
    $every = [Math]::Max(1, [int] $env:EVERY)
    $Points = @(for ($i = 1; $i -le $m.Calls; $i++) {
        if ($i % $every -eq 0 -or $every -eq 1) { @{ Point = $i } }
    })
    # One point a file that is written: all ways to tear it, or one way a file in a sample.
    $ways = 'empty', 'zeros', 'half', 'more'
    $writes = @($m.Writes | Where-Object { $_.Path -notlike '*\node.log' })
    $Tears = @(for ($i = 0; $i -lt $writes.Count; $i++) {
            foreach ($way in $ways) {
                if ($every -eq 1 -or ($i * 4 + $ways.IndexOf($way)) % ($every + 2) -eq 0) {
                    @{ Point = $writes[$i].Call; Path = $writes[$i].Path; Way = $way }
                }
            }
        })
    $Fulls = @(for ($i = 0; $i -lt $writes.Count; $i++) {
            if ($i % [Math]::Ceiling($every / 4) -eq 0) {
                @{ Point = $writes[$i].Call; Path = $writes[$i].Path }
            }
        })
    $Kept = @($m.Writes.Path | Where-Object { Test-Path $_ } | Sort-Object -Unique | ForEach-Object {
        @{ Path = $_ }
    })
    $Kept = @(foreach ($way in $ways) { for ($i = 0; $i -lt $Kept.Count; $i++) {
                if ($every -eq 1 -or ($i + $ways.IndexOf($way) * 5) % 64 -eq 0) {
                    @{ Path = $Kept[$i].Path; Way = $way }
                } } })
    $m = New-Machine
    # As in the tests: to replace a file takes one change more than to make it.
    [IO.File]::Delete((Get-RealPath 'C:\microcosm\inputs.xml'))
    if (Start-Userdata $m ([IO.File]::ReadAllText($Node))) {
        throw "no user-data to interrupt: $($m.Console[-1])"
    }
    $writes = @($m.Writes | ForEach-Object { @{ Call = $_.Call; Path = $_.Path } })
    $Starts = @(for ($i = 1; $i -le $m.Calls; $i++) {
        if ($i % [Math]::Min($every, 13) -eq 0) { @{ Point = $i } }
    })
    $StartTears = @(for ($i = 0; $i -lt $writes.Count; $i++) {
            foreach ($way in $(if ($every -eq 1) { $ways } else { $ways[$i % 4] })) {
                @{ Point = $writes[$i].Call; Path = $writes[$i].Path; Way = $way }
            }
        })
    if ($every -gt 1) { $StartTears = @($StartTears | Select-Object -First 1) }
    Remove-Machine
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    function Assert-Mended($M) {
        # A file that is torn may cost a run: the loop of run.ps1 starts the next one.
        foreach ($run in 1..3) {
            $code = Invoke-AtEveryStart $Node
            if (-not $code) { break }
        }
        $code | Should -Be 0 -Because "$($M.Reports[-1].phase): $($M.Reports[-1].detail) $($M.Console[-1])"
        $M.Crashes | Should -Be 1 -Because 'the interruption came'
        Assert-Whole $M
    }
}
AfterAll { Remove-Machine }

Describe 'power lost' {
    It 'before change <Point>' -ForEach $Points {
        $m = New-Machine
        $m.CrashAt = $Point
        Invoke-AtEveryStart $Node | Should -Be 0 -Because "$($m.Reports[-1].detail) $($m.Console[-1])"
        $m.Crashes | Should -Be 1
        Assert-Whole $m
    }
    It 'right after <Path> was written (<Point>), which is then <Way>' -ForEach $Tears {
        $m = New-Machine
        $m.TearAt, $m.Tear = $Point, $Way
        Assert-Mended $m
    }
}

Describe 'the script ended, and run again without a restart' {
    It 'at change <Point>' -ForEach $Points {
        $m = New-Machine
        $m.EndAt = $Point
        foreach ($run in 1, 2) {
            [void] (Invoke-Script $Node)
            if ($m.Restarting) { Restart-Machine } else { $m.Dead = $false }
        }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because "$($m.Reports[-1].detail) $($m.Console[-1])"
        $m.Crashes | Should -Be 1
        Assert-Whole $m
    }
}

Describe 'a disk that is full' {
    It 'from <Path> (<Point>) on is told as such, and what is ready goes on' -ForEach $Fulls {
        $m = New-Machine
        $m.FullAt = $Point
        $code = Invoke-AtEveryStart $Node
        $m.Crashes | Should -Be 1
        if ($code) {
            "$($m.Reports[-1].result): $($m.Reports[-1].detail)" | Should -Match '^failed: .*space'
        }
        else { Assert-Whole $m }
        $m.DiskFull = $false
        Assert-Mended $m
    }
}

Describe 'a user-data that is cut off' {
    BeforeAll {
        function Assert-Started($M) {
            # EC2Launch runs it again at the next start (persist), beside the task if that was registered.
            $text = [IO.File]::ReadAllText($Node)
            [void] (Start-Userdata $M $text)
            Restart-Machine
            Start-Userdata $M $text | Should -Be 0 -Because "$($M.Console[-1])"
            $M.Crashes | Should -Be 1 -Because 'the interruption came'
            Invoke-AtEveryStart 'C:\microcosm\run.ps1' | Should -Be 0 -Because "$($M.Reports[-1].detail)"
            Assert-Whole $M
        }
    }
    It 'before change <Point>' -ForEach $Starts {
        $m = New-Machine
        [IO.File]::Delete((Get-RealPath 'C:\microcosm\inputs.xml'))
        $m.CrashAt = $Point
        Assert-Started $m
    }
    It 'right after <Path> was written (<Point>), which is then <Way>' -ForEach $StartTears {
        $m = New-Machine
        [IO.File]::Delete((Get-RealPath 'C:\microcosm\inputs.xml'))
        $m.TearAt, $m.Tear = $Point, $Way
        Assert-Started $m
    }
}

Describe 'a ready machine whose file was damaged at rest' {
    It '<Path> is <Way>' -ForEach $Kept {
        $m = Get-SettledMachine
        $m.Crashes = 1
        & (Get-Module Machine) { Set-TornFile $args[0] $args[1] } $Path $Way
        Restart-Machine
        Assert-Mended $m
    }
}
