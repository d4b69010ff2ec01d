# steps.ps1: what the tests of several files do and assert; dot-sourced in BeforeAll.

$Node = Join-Path $env:PRODUCT 'node.ps1'
$Bootstrap = Join-Path $env:PRODUCT 'bootstrap.ps1'
$Phases = 'feature', 'reboot', 'download', 'containerd', 'prepare-node', 'join', 'flannel', 'kube-proxy', 'ready'
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
    Test-Route $Metadata | Should -BeTrue -Because 'without this route the machine has no credentials, and SSM no way in'
    Test-Path 'C:\microcosm\join.yaml' | Should -BeFalse -Because 'the token stays nowhere'
}
