# node.Tests.ps1: the node's script, from the first start to a ready node, and from every point at which it may be cut off.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    Import-Module (Join-Path $PSScriptRoot 'Machine.psm1') -DisableNameChecking -Force -Global
}
AfterAll { Remove-Machine }

Describe 'the phases' {
    It 'the first start leads through every phase and one restart to a ready node' {
        $m = Get-SettledMachine
        Assert-Whole $m
        $m.Boot | Should -Be 2
        $m.Reports.phase | Should -Be $Phases
        $m.Reports[-1].phases.PSObject.Properties.Name | Should -Be $Phases
        $m.Reports[-1].phases.PSObject.Properties.Value | Where-Object { $_.start -gt $_.end } | Should -BeNullOrEmpty
    }
}
