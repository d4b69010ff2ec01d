# Choice.Tests.ps1: the right one of several, and what a missing value means.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    function Add-Adapter($M, [int] $Index, [string] $Address, [int] $Metric) {
        # Before the machine's own in the list, with a default route of the same RouteMetric.
        $M.Interfaces[$Index] = @{ Address = $Address; Metric = $Metric }
        $M.Routes = @(New-Route '0.0.0.0/0' $Index '192.168.77.1') + $M.Routes
    }
    $Routes = 'C:\microcosm\metadata-routes.ps1'
}
AfterAll { Remove-Machine }

Describe 'of two adapters' {
    It 'the machine''s address is the one that EC2 knows' {
        $m = New-Machine
        Add-Adapter $m 7 '192.168.77.5' 5
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Get-MachineFile 'C:\k\StartKubelet.ps1' | Should -Match '--node-ip=10\.0\.3\.7'
    }
    It 'without metadata it is the one of the least route and interface metric together' {
        $m = New-Machine
        Add-Adapter $m 7 '192.168.77.5' 75
        $m.Silent = @('local-ipv4')
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Get-MachineFile 'C:\k\StartKubelet.ps1' | Should -Match '--node-ip=10\.0\.3\.7'
    }
    It 'of several addresses it is the one of DHCP that is not skipped as a source' {
        $m = New-Machine
        $m.Silent = @('local-ipv4')
        Set-Behaviour 'Get-NetIPAddress' {
            param($Given)
            [pscustomobject] @{ IPAddress = '169.254.10.1'; SkipAsSource = $false
                PrefixOrigin = 'WellKnown' }
            [pscustomobject] @{ IPAddress = '10.0.3.200'; SkipAsSource = $true; PrefixOrigin = 'Manual' }
            [pscustomobject] @{ IPAddress = '10.0.3.7'; SkipAsSource = $false; PrefixOrigin = 'Dhcp' }
        }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
    }
    It 'an adapter without an address is told' {
        $m = New-Machine
        $m.Silent = @('local-ipv4')
        Set-Behaviour 'Get-NetIPAddress' { param($Given) }
        Invoke-AtEveryStart $Node | Should -Be 14
        $m.Reports[-1].detail | Should -Be 'the adapter of the default route has no IPv4 address'
    }
    It 'the metadata routes go by the one that Windows uses' {
        $m = Get-SettledMachine
        Add-Adapter $m 7 '192.168.77.5' 75
        $m.Routes = @($m.Routes | Where-Object { $_.DestinationPrefix -notlike '169.254.*' })
        Invoke-Script $Routes | Should -Be 0
        @($m.Routes | Where-Object { $_.DestinationPrefix -like '169.254.169.*' }).Count | Should -Be 6
        @($m.Routes | Where-Object {
            $_.DestinationPrefix -like '169.254.169.*'
        }).ifIndex | Select-Object -Unique | Should -Be 9
    }
    It 'a second route to metadata by the other one goes' {
        $m = Get-SettledMachine
        $m.Interfaces[4] = @{ Address = '10.0.3.8'; Metric = 15 }
        $m.Routes += New-Route $Metadata 4
        Invoke-Script $Routes | Should -Be 0
        @($m.Routes | Where-Object DestinationPrefix -EQ $Metadata).ifIndex | Should -Be 9
    }
    It 'a route to metadata by an adapter that is gone does not make flannel look done' {
        $m = Get-SettledMachine
        $m.Routes = @($m.Routes | Where-Object DestinationPrefix -NE $Metadata) + (New-Route $Metadata 4)
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        @($m.Routes | Where-Object DestinationPrefix -EQ $Metadata).ifIndex | Should -Be 9
    }
}

Describe 'the metadata routes' {
    It 'none is taken away while there is no default route' {
        $m = Get-SettledMachine
        $m.Routes = @(New-Route $Metadata 9)
        Invoke-Script $Routes | Should -Be 1
        Test-Route $Metadata | Should -BeTrue
    }
    It 'one that cannot be made keeps no other from being made' {
        $m = Get-SettledMachine
        $m.Routes = @(New-Route '0.0.0.0/0' 9)
        Set-Behaviour 'New-NetRoute' {
            param($Given, $Default)
            if ($Given.DestinationPrefix -eq '169.254.169.254/32') {
                Write-Error 'Element not found.'
                return
            }
            & $Default $Given
        }
        Invoke-Script $Routes | Should -Be 0
        Test-Route '169.254.169.253/32' | Should -BeTrue
    }
}

Describe 'a missing value' {
    It 'a feature that the image does not have is named: <_>' -ForEach 'Removed', 'UninstallPending' {
        $m = New-Machine
        $m.Feature = $_
        Invoke-AtEveryStart $Node | Should -Be 10
        $m.Reports[-1].detail | Should -Match "its feature Containers is $_, so it cannot be installed"
    }
    It 'a Windows that knows no such feature is told' {
        $m = New-Machine
        Set-Behaviour 'Get-WindowsFeature' { param($Given) }
        Invoke-AtEveryStart $Node | Should -Be 10
        $m.Reports[-1].detail | Should -Match 'knows no feature Containers'
    }
    It 'a boot counter that is not there is named' {
        $m = New-Machine
        $m.Registry[@($m.Registry.Keys -like '*\PrefetchParameters')[0]] = @{}
        Invoke-AtEveryStart $Node | Should -Be 10
        $m.Reports[-1].detail | Should -Match 'no boot counter, the value BootId of HKLM:.*PrefetchParameters'
    }
    It 'an empty answer is no instance id: "<_>"' -ForEach '', 'error', '<html>busy</html>' {
        $m = New-Machine
        $m.Feature = 'Installed'
        $m.Answers = @($_) * 10
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        $m.Reports[-1].instance | Should -Be 'i-0win'
    }
}

Describe 'a file that a scanner holds' {
    It 'each new download held for some seconds costs an attempt of that file alone' {
        $m = New-Machine
        foreach ($name in $m.Inputs.Artifacts.Keys) { $m.Scans["C:\microcosm\downloads\$name.part"] = 3 }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        @($m.Reports | Where-Object phase -EQ 'download').Count | Should -Be 1
    }
    It 'every file that is written, held for four seconds, costs no phase an attempt' {
        [void] (Get-SettledMachine)
        $undisturbed = (Get-MachineFile 'C:\microcosm\state.json' | ConvertFrom-Json).attempts
        $m = New-Machine
        $m.ScanSeconds = 4
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        (Get-MachineFile 'C:\microcosm\state.json' | ConvertFrom-Json).attempts | Should -Be $undisturbed
        $undisturbed | Should -BeGreaterThan 1
    }
    It 'the expiry of a machine is kept though its file is held' {
        $m = Get-SettledMachine @{ ExpiryParameter = '/microcosm/dev/expiry' }
        $m.Parameters['/microcosm/dev/expiry'] = '{"expiresAt": "2026-11-25T08:00:00Z", "graceMinutes": 10}'
        $m.Held['C:\microcosm\expiry.new'] = 30.0
        $m.DiskFull = $true
        [void] (Invoke-Script 'C:\microcosm\stop-expired.ps1')
        $m.Stopped | Should -BeTrue -Because 'its end is past, and SSM has said so'
    }
}

Describe 'the file of the last known end' {
    It '<Case> ends no machine that cannot ask, and ends it after the longest life' -ForEach @(
        @{ Case = 'an empty one'; Text = '' }, @{ Case = 'one of zeros'; Text = "`0" * 10 }
        @{ Case = 'half of one'; Text = '17640' }
        @{ Case = 'one with more behind'; Text = "1764061200`0`0" },
            @{ Case = 'one that is no number'; Text = 'never' }
    ) {
        $m = Get-SettledMachine @{ ExpiryParameter = '/microcosm/dev/expiry' }
        $m.Routes = @()
        Set-MachineFile 'C:\microcosm\expiry' $Text
        foreach ($hours in 0.1, 70) {
            Step-Clock (3600 * $hours)
            [void] (Invoke-Script 'C:\microcosm\stop-expired.ps1')
            $m.Stopped | Should -BeFalse
        }
        Step-Clock (3600 * 7)
        [void] (Invoke-Script 'C:\microcosm\stop-expired.ps1')
        $m.Stopped | Should -BeTrue
    }
}
