# steps.ps1: what the tests of several files do and assert; dot-sourced in BeforeAll.

if (-not (Get-Module Machine)) {
    Import-Module (Join-Path $PSScriptRoot '../Machine.psm1') -DisableNameChecking -Global
}

$Node = Join-Path $env:PRODUCT 'node.ps1'
$Bootstrap = Join-Path $env:PRODUCT 'bootstrap.ps1'
$Phases = 'feature', 'reboot', 'download', 'containerd', 'prepare-node', 'join', 'flannel', 'kube-proxy',
'ready'
$Services = 'containerd', 'kubelet', 'flanneld', 'kube-proxy'
$Metadata = '169.254.169.254/32'

function Get-SettledMachine([hashtable] $Inputs = @{}) {
    $m = New-Machine $Inputs
    $code = Invoke-AtEveryStart $Node
    $code | Should -Be 0 -Because "$($m.Reports[-1].detail) $($m.Console[-1])"
    $m
}

function Assert-Whole($M) {
    Test-NodeReady | Should -BeTrue -Because 'the node is ready'
    foreach ($name in $Services) {
        Test-Running $name | Should -BeTrue -Because "$name runs"
        $M.Services[$name].StartType | Should -Be 'Automatic'
    }
    "$($M.Reports[-1].phase) $($M.Reports[-1].result)" | Should -Be 'ready ok'
    $M.Reports[-1].instance | Should -Be $M.Instance
    Test-Route $Metadata | Should -BeTrue -Because ('without this route the machine has no credentials, ' +
        'and SSM no way in')
    Test-Path 'C:\microcosm\join.yaml' | Should -BeFalse -Because 'the token stays nowhere'
}

function Start-Userdata($M, [string] $Script, [switch] $Called) {
    # The assignments in front of bootstrap.ps1, as infra/node/userdata.py writes them.
    if ($Script) { $M.Web['s3://bucket/node.ps1'] = $Script }
    $sum = Get-Sum ([IO.File]::ReadAllText($Node))
    $head = @("`$ScriptBucket = 'bucket'; `$ScriptKey = 'node.ps1'; `$ScriptSha256 = '$sum'")
    $head += $M.Inputs.Keys | Where-Object { $M.Inputs[$_] -is [string] } |
        ForEach-Object { "`$$_ = '$($M.Inputs[$_])'" }
    $head += $M.Inputs.Artifacts.GetEnumerator() | ForEach-Object -Begin { '$Artifacts = @{}' } -Process {
        "`$Artifacts['$($_.Key)'] = @{ Urls = @('$($_.Value.Urls[0])'); Sum = '$($_.Value.Sum)' }"
    }
    Set-MachineFile 'C:\userdata.ps1' ((@($head) + "`$PrepullImages = @('a:1')" +
        [IO.File]::ReadAllText($Bootstrap)) -join "`n")
    Set-MachineFile 'C:\called.ps1' "& 'C:\userdata.ps1'; exit `$LASTEXITCODE"
    Invoke-Script $(if ($Called) { 'C:\called.ps1' } else { 'C:\userdata.ps1' })
}

function Add-RouteTask {
    # The task of every minute, where there is something for it to do.
    Add-Event 60 {
        param($M)
        if ($M.Tasks.ContainsKey('microcosm-metadata-routes') -and -not (Test-Route '169.254.169.254/32')) {
            [void] (Invoke-Script 'C:\microcosm\metadata-routes.ps1')
        }
        Add-RouteTask
    }
}

function Invoke-Run($M, [int] $Times, [switch] $Failure) {
    # run.ps1 goes on for ever, at each start of Windows. It is ended at its so-manieth wait for a minute, or
    # at the first wait after it has reported a failure.
    $M.Left, $M.First = $Times, $(if ($Failure) { $M.Reports.Count })
    Set-Behaviour 'Start-Sleep' {
        param($Given, $Default, $M)
        if ($Given.Seconds -eq 60 -and $M.Left-- -le 1) { exit 77 }
        if ($null -ne $M.First -and 'failed' -in @($M.Reports | Select-Object -Skip $M.First).result) {
            exit 77
        }
        & $Default $Given
    }
    Invoke-AtEveryStart 'C:\microcosm\run.ps1'
}
