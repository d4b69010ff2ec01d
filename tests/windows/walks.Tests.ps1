# walks.Tests.ps1: runs the node's script with the inputs of walks.json, and writes what it leaves for tests
# in Python.

BeforeDiscovery {
    $Walks = [IO.File]::ReadAllText((Join-Path $env:PRODUCT 'walks.json')) |
        Microsoft.PowerShell.Utility\ConvertFrom-Json -AsHashtable
    $Walks = @($Walks.GetEnumerator() | ForEach-Object { @{ Name = $_.Key; Walk = $_.Value } })
}
BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Results = @{}
}
AfterAll {
    Remove-Machine
    [IO.File]::WriteAllText((Join-Path $env:PRODUCT 'walks-result.json'),
        ($Results | ConvertTo-Json -Depth 8))
}

Describe 'a walk' {
    It '<Name> comes to its end' -ForEach $Walks {
        $m = New-Machine $Walk.inputs
        $m.Build = $Walk.build
        $code = Invoke-AtEveryStart $Node
        $files, $registry, $settings, $arguments = @{}, @{}, @{}, @{}
        foreach ($file in Get-ChildItem -Recurse -File -Path $m.Root) {
            $files['C:' + ($file.FullName.Substring($m.Root.Length) -replace '/',
            '\')] = [IO.File]::ReadAllText($file.FullName)
        }
        foreach ($key in $m.Registry.GetEnumerator()) {
            foreach ($value in $key.Value.GetEnumerator()) {
                $registry["$($key.Key)\$($value.Key)"] = "$($value.Value)"
            }
        }
        foreach ($service in $m.Services.Values) { $settings[$service.Name] = $service.Settings }
        foreach ($own in 'flanneld', 'kube-proxy') {
            if ($m.Services.ContainsKey($own)) { $arguments[$own] = Get-Arguments $own }
        }
        $Results[$Name] = @{
            code = $code; inputs = $m.Inputs; files = $files; registry = $registry; services = $settings
            log = @($m.Log)
            arguments = $arguments; report = $m.Reports[-1]
        }
        $code | Should -Be 0 -Because "$($m.Reports[-1].detail)"
        Assert-Whole $m
    }
}
