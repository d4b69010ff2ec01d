# scripts.Tests.ps1: the other PowerShell of the product, run as it is rendered: logs.ps1, windows_exec's
# script, CCAuth's start.ps1.

BeforeDiscovery {
    $Logs = Get-ChildItem (Join-Path $env:PRODUCT 'logs/*.ps1') |
        ForEach-Object { @{ Name = $_.Name; Path = $_.FullName } }
}
BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')

    function Get-Printed([string] $Path) {
        # What a script prints by .NET, past PowerShell's own streams.
        $writer, $before = [IO.StringWriter]::new(), [Console]::Out
        [Console]::SetOut($writer)
        try { $code = Invoke-Script $Path } finally { [Console]::SetOut($before) }
        @{ Code = $code; Lines = $writer.ToString() -split "`r?`n" }
    }
    function Expand-Text([string] $Packed) {
        $gzip = [IO.Compression.GZipStream]::new([IO.MemoryStream]::new([Convert]::FromBase64String($Packed)),
            [IO.Compression.CompressionMode]::Decompress)
        [IO.StreamReader]::new($gzip).ReadToEnd()
    }
    function Invoke-Exec([string] $Url, [scriptblock] $Answer) {
        # As microcosm/smoke/windows_exec.py calls it; gives the line of JSON.
        $m = New-Machine
        Set-Behaviour 'Invoke-WebRequest' $Answer
        $script = [IO.File]::ReadAllText((Join-Path $env:PRODUCT 'windows_exec.ps1'))
        Set-MachineFile 'C:\exec.ps1' "$script -Url '$Url' -Seconds 15"
        Invoke-Script 'C:\exec.ps1' | Should -Be 0
        $m.Console[-1] | ConvertFrom-Json
    }
}
AfterAll { Remove-Machine }

Describe 'logs.ps1' {
    It 'prints the size and the packed text of <Name>' -ForEach $Logs {
        [void] (New-Machine)
        $printed = Get-Printed $Path
        $printed.Code | Should -Be 0
        $printed.Lines[0] | Should -Match '^\d+$'
        [Text.Encoding]::UTF8.GetByteCount((Expand-Text $printed.Lines[1])) |
            Should -Be ([int] $printed.Lines[0])
        $printed.Lines[1].Length | Should -BeLessOrEqual 23900
    }
    It 'cuts secrets out, keeps the rest, and says what is not there' {
        [void] (New-Machine)
        $text = Expand-Text (Get-Printed (Join-Path $env:PRODUCT 'logs-sample.ps1')).Lines[1]
        $text | Should -Not -Match 'abcdef\.0123456789abcdef'
        $text | Should -Match '(?m)^harmless\r?$'
        $text | Should -Match 'C:\\nowhere\.log is not there'
    }
}

Describe 'the request from a Windows pod' {
    It 'gives status and body' {
        $answer = Invoke-Exec 'http://ccauth/' {
            [pscustomobject] @{ StatusCode = 200; Content = '"Auth Code: 4482"' }
        }
        $answer.status | Should -Be 200
        $answer.body | Should -Be '"Auth Code: 4482"'
    }
    It 'gives the status of an error, which is an exception in 5.1' {
        $answer = Invoke-Exec 'http://ccauth/' {
            $response = [Net.Http.HttpResponseMessage]::new([Net.HttpStatusCode]::NotFound)
            throw [Microsoft.PowerShell.Commands.HttpResponseException]::new('404', $response)
        }
        $answer.status | Should -Be 404
    }
    It 'gives the reason of a failure' {
        (Invoke-Exec 'http://ccauth/' {
            throw [Net.WebException] 'The operation has timed out.'
        }).failure | Should -Be 'The operation has timed out.'
    }
    It 'runs nothing of a URL' {
        $seen = @{}
        [void] (Invoke-Exec 'http://x/''''; Stop-Computer; ''''$(1)' {
            param($Given, $Default, $M)
            $M.Seen = "$($Given.Uri)"
            [pscustomobject] @{ StatusCode = 200; Content = '' }
        })
        & (Get-Module Machine) { $M.Stopped } | Should -BeFalse
        & (Get-Module Machine) {
            [uri]::UnescapeDataString($M.Seen)
        } | Should -Be "http://x/'; Stop-Computer; '`$(1)"
    }
}

Describe 'start.ps1, the container of CCAuth' {
    BeforeAll {
        function Get-Container {
            $m = New-Machine
            foreach ($name in 'CCAuth.cs', 'ccauth.svc', 'web.config') {
                Set-MachineFile "C:\src\$name" "text of $name`n"
            }
            Set-MachineFile 'C:\ServiceMonitor.exe' 'ServiceMonitor.exe'
            Set-MachineFile 'C:\Windows\System32\inetsrv\appcmd.exe' 'appcmd.exe'
            $m
        }
        $Start = Join-Path $env:PRODUCT 'start.ps1'
    }
    It 'copies each file as it is and runs IIS, whose exit code is the container''s' {
        $m = Get-Container
        Set-Behaviour 'ServiceMonitor.exe' { throw 'exit 7: w3svc stopped' }
        Invoke-Script $Start | Should -Be 7
        $m.Log[0] | Should -BeLike ('appcmd.exe set config /section:system.applicationHost/sites ' +
            '*/commit:apphost')
        $m.Log[0] | Should -Not -Match 'UriQuery' -Because 'it carries the card number'
        $m.Log[1] | Should -Be 'ServiceMonitor.exe w3svc'
        foreach ($item in @{ 'App_Code\CCAuth.cs' = 'CCAuth.cs'; 'ccauth.svc' = 'ccauth.svc'
            'web.config' = 'web.config' }.GetEnumerator()) {
            Get-MachineFile "C:\inetpub\wwwroot\$($item.Key)" | Should -BeExactly "text of $($item.Value)`n"
        }
    }
    It 'serves nothing where the log would hold card numbers' {
        $m = Get-Container
        $m.Broken = @('appcmd.exe')
        Invoke-Script $Start | Should -Be 1
        $m.Log | Should -Not -Contain 'ServiceMonitor.exe w3svc'
    }
}
