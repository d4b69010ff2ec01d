<#
.SYNOPSIS
Models a Windows Server on EC2, so that the node's scripts run unchanged in PowerShell on Linux.

.DESCRIPTION
Functions stand before the cmdlets and programs of Windows. Each has the parameter list of the real one
(machine/*.signatures), so that a misspelt parameter or a wrong type fails. Files are real, on a drive C: of
their own. The clock is the machine's own: a sleep takes no time. What a program refuses, it refuses here too;
the source stands beside it in machine/programs.ps1.

    $m = New-Machine @{ FlannelBackend = 'host-gw' }   a machine as EC2 starts it, with these inputs changed
    Invoke-AtEveryStart $Node | Should -Be 0           the script at each start of Windows, until one settles
    Invoke-Script 'C:\microcosm\stop-expired.ps1'      one run, as `powershell -File` does it; the exit code

The state is a hashtable; a test changes it before a run and reads it afterwards:

    $m.Reports[-1].phase      what was sent to SSM          $m.Log         the command lines of programs
    $m.Console                what was printed              $m.Parameters  SSM;  $m.Web  URL or s3:// -> text
    $m.Services.kubelet.Status    also .StartType .Settings .StopTakes .StartTakes (seconds; infinite: never)
    $m.Routes $m.Interfaces $m.Feature $m.Registry $m.Tasks $m.Firewall $m.Processes $m.Access $m.Now $m.Boot
    $m.Broken = 'netsh.exe'   programs that fail            $m.Held['C:\k\x'] = 30   held, in seconds
    $m.DiskFull = $true       no write succeeds             Set-MachineFile, Get-MachineFile
    Add-Event 600 { param($M) $M.Feature = 'Installed' }    something that happens so many seconds later
    Set-Behaviour 'Add-MpPreference' { param($Given, $Default, $M) throw 'off' }
                              another answer of a cmdlet or a program ('kubeadm.exe'); `& $Default $Given` is
                              the usual one. Parameters stay checked.

Interruptions, by the number of a change ($m.Calls counts them; $m.Writes lists those that write a file):

    $m.CrashAt = 17           the power goes before change 17; Invoke-AtEveryStart starts the machine again
    $m.EndAt = 17             the script alone ends there; services go on
    $m.TearAt = 17; $m.Tear = 'empty' (zeros, half, more)   the power goes after change 17; its file is so
    $m.FullAt = 17            the disk is full from change 17 on
    $m.Crashes                how many came: a sweep must assert that it is 1

A script that waits for ever is ended after a day of the machine's clock: Invoke-AtEveryStart throws "it hangs
in ...".

.NOTES
Run the tests with tests/windows/run.ps1, or by pytest (tests/windows/test_powershell.py).
#>
$script:M = $null
$ErrorActionPreference = 'Stop'
$Parts = @(
    'signatures', 'life', 'files', 'shell', 'services', 'processes', 'windows', 'network', 'aws', 'programs'
    'preparenode'
)
foreach ($part in $Parts) {
    . (Join-Path $PSScriptRoot "machine/$part.ps1")
}
foreach ($name in 'services', 'shell', 'windows', 'aws') {
    $text = (Import-Signature (Join-Path $PSScriptRoot "machine/$name.signatures")) -join "`n"
    . ([scriptblock]::Create($text))
}
$Tools = @(
    'New-Machine', 'Remove-Machine', 'Restart-Machine', 'Invoke-Script', 'Invoke-AtEveryStart', 'Add-Event'
    'Set-Behaviour', 'Set-MachineFile', 'Get-MachineFile', 'Get-RealPath', 'Get-Sum', 'New-Route'
    'Test-Route', 'Test-Running', 'Test-NodeReady', 'Get-Arguments', 'Invoke-Program', 'Step', 'Step-Clock'
    'mkdir', 'Get-Command', 'ConvertFrom-Json', 'ConvertTo-Json'
)
Export-ModuleMember -Function ($Tools + $StandIns)
