<#
.SYNOPSIS
Runs the Pester tests of the Windows scripts:
pwsh -NoProfile -File tests/windows/run.ps1 [-File node] [-Filter '*join*']

.DESCRIPTION
-File     the test files, without .Tests.ps1; all of them by default
-Filter   the full names to run, with wildcards
-Result   a file for the JUnit XML
-Product  a folder that tests/windows/product.py has filled; by default it is called now
-Every    each so many points of a sweep are taken; 1 takes all
The exit code is the number of tests that fail.
#>
param([string[]] $File = '*', [string] $Filter = '*', [string] $Result, [string] $Product, [int] $Every = 29)
$ErrorActionPreference = 'Stop'
Import-Module Pester -MinimumVersion 5.5
if (-not $Product) {
    $Product = $rendered = Join-Path ([IO.Path]::GetTempPath()) "product-$PID"
    $python = if (Test-Path "$PSScriptRoot/../../.venv/bin/python") {
        "$PSScriptRoot/../../.venv/bin/python"
    } else { 'python3' }
    Push-Location "$PSScriptRoot/../.."
    & $python -m tests.windows.product $Product
    Pop-Location
    if ($LASTEXITCODE) { throw "the scripts could not be rendered: python -m tests.windows.product $Product" }
}
$File = $File -split ','   # `pwsh -File` hands on a list as one word
$env:PRODUCT = $Product
$env:EVERY = $Every
$configuration = New-PesterConfiguration
$configuration.Run.Path = @($File | ForEach-Object {
    Get-Item (Join-Path $PSScriptRoot "$_.Tests.ps1")
} | ForEach-Object FullName)
$configuration.Run.PassThru = $true
$configuration.Filter.FullName = $Filter
$configuration.Output.Verbosity = 'Detailed'
$configuration.Output.CIFormat = 'None'
$configuration.Should.ErrorAction = 'Stop'
if ($Result) {
    $configuration.TestResult.Enabled = $true
    $configuration.TestResult.OutputPath = $Result
    $configuration.TestResult.OutputFormat = 'JUnitXml'
}
$run = Invoke-Pester -Configuration $configuration
if (Get-Variable rendered -ErrorAction SilentlyContinue) { [IO.Directory]::Delete($rendered, $true) }
exit $run.FailedCount + $run.FailedContainersCount
