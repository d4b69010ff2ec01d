# Reports.Tests.ps1: whatever ends the script ends with a report that `pulumi up` believes, and with the
# reason.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Content = [IO.File]::ReadAllText($Node)
    function Assert-Failed($M, [string] $Phase, [string] $Pattern) {
        "$($M.Reports[-1].phase) $($M.Reports[-1].result)" | Should -Be "$Phase failed"
        $M.Reports[-1].detail | Should -Match $Pattern
        $M.Reports[-1].detail.Length | Should -BeLessOrEqual 500
        $M.Reports[-1].instance | Should -Be $M.Instance
    }
}
AfterAll { Remove-Machine }

Describe 'errors outside of the phases' {
    It 'inputs that a loss of power has torn are reported by run.ps1' {
        $m = New-Machine
        Start-Userdata $m $Content | Should -Be 0
        Set-MachineFile 'C:\microcosm\inputs.xml' ''
        Invoke-Run $m 1 | Should -Be 77
        Assert-Failed $m 'feature' 'node\.ps1 ended with the exit code 1'
    }
    It 'a script that a loss of power has torn is fetched again: <Way>' -ForEach @{ Way = 'empty'
        Text = '' }, @{ Way = 'zeros'; Text = "`0`0" }, @{ Way = 'half'; Text = 'exit 0' } {
        $m = New-Machine
        Start-Userdata $m $Content | Should -Be 0
        Set-MachineFile 'C:\microcosm\node.ps1' $Text
        Invoke-Run $m 1
        Get-MachineFile 'C:\microcosm\node.ps1' | Should -BeExactly ([IO.File]::ReadAllText($Node))
        $m.Reports.Count | Should -BeGreaterThan 1
    }
    It 'a script that cannot be had is asked for until it can' {
        $m = New-Machine
        Start-Userdata $m 'another script' | Should -Be 9
        Assert-Failed $m 'feature' ('^bootstrap: no s3://bucket/node.ps1 with sha256 \w+: what is there ' +
            'has another sum')
        Test-Path 'C:\microcosm\node.ps1' | Should -BeFalse
        $m.Tasks['microcosm-node'] | Should -BeLike 'at startup; *run.ps1'
        Add-Event 400 { param($M) $M.Web['s3://bucket/node.ps1'] = [IO.File]::ReadAllText($Node) }
        [void] (Invoke-Run $m 1)
        "$($m.Reports.result)" | Should -Match 'failed running'
    }
    It 'a backend that no network is known for is reported' {
        $m = New-Machine @{ FlannelBackend = 'wireguard' }
        Invoke-AtEveryStart $Node | Should -Be 19
        Assert-Failed $m 'feature' "FlannelBackend is 'wireguard', and not one of"
    }
    It 'a log that cannot be opened keeps no node from being made' {
        $m = New-Machine
        Set-Behaviour 'Start-Transcript' {
            param($Given)
            throw 'The process cannot access the file because it is being used by another process.'
        }
        Invoke-AtEveryStart $Node | Should -Be 0
    }
    It 'a powershell.exe that cannot be started is reported, and started a minute later' {
        $m = New-Machine
        Start-Userdata $m $Content | Should -Be 0
        Set-Behaviour 'powershell.exe' {
            param($Words, $Default, $M)
            throw 'exit 4551: An Application Control policy has blocked this file'
        }
        Invoke-Run $m 3 | Should -Be 77
        Assert-Failed $m 'feature' 'node\.ps1 ended with the exit code 4551'
        @($m.Log | Where-Object { $_ -like 'powershell.exe *' }).Count | Should -Be 3
    }
    It 'a powershell.exe that is not there is reported, and looked for a minute later' {
        $m = New-Machine
        Start-Userdata $m $Content | Should -Be 0
        [IO.File]::Delete((Get-RealPath 'C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe'))
        Invoke-Run $m 3 | Should -Be 77
        Assert-Failed $m 'feature' 'powershell\.exe cannot be started: The term'
        $m.Left | Should -Be 0
    }
    It 'a task that cannot be registered or started is reported: <_>' -ForEach 'Register-ScheduledTask',
        'Start-ScheduledTask' {
        # As a function of a module writes an error; EC2Launch may run user-data by `&`, and then 'Stop' is
        # not global.
        $m = New-Machine
        Set-Behaviour $_ { Write-Error 'Access is denied.' }
        Start-Userdata $m $Content -Called | Should -Be 9
        Assert-Failed $m 'feature' '^bootstrap: Access is denied'
    }
    It 'a phase''s own failure is reported once, by the script' {
        $m = New-Machine
        Start-Userdata $m $Content | Should -Be 0
        $m.Broken = @('netsh.exe')
        [void] (Invoke-Run $m 1)
        Assert-Failed $m 'feature' 'netsh.exe is broken and says so'
        @($m.Reports | Where-Object { $_.result -eq 'failed' }).Count | Should -Be 1
    }
}

Describe 'the reason' {
    It 'holds every error of kubeadm''s preflight, and not its advice' {
        $m = New-Machine
        Set-Behaviour 'kubeadm.exe' {
            param($Words)
            throw ('[preflight] Running pre-flight checks',
                'error execution phase preflight: [preflight] Some fatal errors occurred:',
                "`t[ERROR CRI]: could not connect to the container runtime",
                "`t[ERROR Port-10250]: Port 10250 is in use",
                '[preflight] If you know what you are doing, you can make a check non-fatal with ...',
                'To see the stack trace of this error execute with --v=5' -join "`n")
        }
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' '\[ERROR CRI\].*\[ERROR Port-10250\]'
        $m.Reports[-1].detail | Should -Not -Match 'stack trace|If you know'
    }
    It 'reads what <Program> says of its error, and not what comes after it' -ForEach @(
        @{ Program = 'flanneld'
            Error = 'F1130 09:00:00.000000 4711 main.go:339] Failed to find interface to use' }
        @{ Program = 'containerd'; Error = 'time="2026-11-30T09:00:00Z" level=fatal msg="no such key"' }
        @{ Program = 'a Go program'; Error = 'panic: runtime error: index out of range' }
        @{ Program = 'kubeadm'; Error = 'error execution phase kubelet-start: the kubelet is not healthy' }
    ) {
        $m = New-Machine
        $text = $Error
        Set-Behaviour 'kubeadm.exe' { throw "$text`
a line of advice`
another`
a third`
a fourth" }.GetNewClosure()
        Invoke-AtEveryStart $Node | Should -Be 15
        $m.Reports[-1].detail | Should -BeLike "*ended with 1: $($text -replace '[[\]]', '?')"
    }
    It 'of 500 characters that 5.1 writes as six each still fits into a parameter' {
        $m = New-Machine
        Set-Behaviour 'kubeadm.exe' { throw "error: $('<' * 600)" }
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' '<{400}'
    }
    It 'reads nssm''s UTF-16' {
        $m = New-Machine
        Set-Behaviour 'nssm.exe' {
            param($Words, $Default)
            if ($Words[0] -eq 'set' -and $Words[1] -eq 'flanneld') {
                throw "exit 1: $('No such parameter'.ToCharArray() -join "`0")"
            }
            & $Default $Words
        }
        Invoke-AtEveryStart $Node | Should -Be 16
        Assert-Failed $m 'flannel' 'No such parameter'
    }
    It 'is sent though it quotes a template, which Parameter Store takes for the name of a parameter' {
        $m = New-Machine
        Set-Behaviour 'kubeadm.exe' { param($Words) throw 'template: {{ .Values.x }} and {{{' }
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' 'template: \{ \{ \.Values'
    }
    It 'holds no token and no key: <_>' -ForEach 'abcdef.0123456789abcdef', 'token: hunter2hunter2',
        '-----BEGIN RSA PRIVATE KEY----- MIIE', 'client-key-data: LS0tLS1' {
        $m = New-Machine
        $secret = $_
        Set-Behaviour 'kubeadm.exe' { param($Words) throw "error: it has read $secret" }.GetNewClosure()
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' 'error: it has read .*\[redacted\]'
        "$($m.Console)" | Should -Not -Match 'abcdef\.0123|hunter2|MIIE|LS0t'
    }
    It 'says what a document of the control plane lacks, and not what it holds' {
        $m = New-Machine
        $m.Parameters['/microcosm/dev/join'] = '{"instance": "i-0cp", "token": "abcdef.0123456789abcdef"'
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' 'the control plane has not written it yet'
        $m.Parameters['/microcosm/dev/join'] = ('{"instance": "i-0cp", "endpoint": "10.0.0.4:6443", ' +
            '"caCertHash": "x"}')
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' 'it has no token'
    }
    It 'says what any other text of the control plane lacks: <_>' -ForEach 'null', '[]', '{}', '5',
        '"pending"', '{"instance": null}', '[null]' {
        $m = New-Machine
        $m.Parameters['/microcosm/dev/join'] = $_
        Invoke-AtEveryStart $Node | Should -Be 15
        Assert-Failed $m 'join' 'within 2400 s: it has no instance'
    }
    It 'says what any other answer of the API lacks: <_>' -ForEach '', 'null', '[]', '{}', '{"spec": null}',
        '{"spec": {"podCIDR": null}}' {
        $m = New-Machine
        $text = $_
        Set-Behaviour 'kubectl.exe' { param($Words) $text }.GetNewClosure()
        Invoke-AtEveryStart $Node | Should -Be 17
        Assert-Failed $m 'kube-proxy' 'has given the node windows-0 no podCIDR yet'
    }
    It 'says of a node without a subnet or a condition what it lacks: <Lacks>' -ForEach @(
        @{ Lacks = 'has given the node windows-0 no podCIDR yet'; Phase = 'kube-proxy'
            Node = '{"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}' }
        @{ Lacks = 'no condition Ready'; Phase = 'ready'
            Node = '{"spec": {"podCIDR": "10.244.2.0/24"}, "status": {"conditions": []}}' }
        @{ Lacks = 'no condition Ready yet'; Phase = 'ready'
            Node = '{"spec": {"podCIDR": "10.244.2.0/24"}}' }
        @{ Lacks = 'has no condition Ready'; Phase = 'ready'
            Node = '{"spec": {"podCIDR": "10.244.2.0/24"}, "status": {"conditions": [{}, null]}}' }
        @{ Lacks = 'cni plugin not initialized'; Phase = 'ready'
            Node = '{"spec": {"podCIDR": "10.244.2.0/24"}, "status": {"conditions": [{"type": "Ready", ' +
                '"status": "False", "message": "cni plugin not initialized"}]}}' }
    ) {
        $m = New-Machine
        $text = $Node
        Set-Behaviour 'kubectl.exe' { param($Words) $text }.GetNewClosure()
        Invoke-AtEveryStart (Join-Path $env:PRODUCT 'node.ps1') | Should -BeGreaterThan 16
        Assert-Failed $m $Phase $Lacks
    }
}

Describe 'the report itself' {
    It 'carries the instance''s id though metadata comes late' {
        $m = New-Machine
        $m.Feature = 'Installed'
        $m.Answers = @('error') * 4
        Invoke-AtEveryStart $Node | Should -Be 0
        $m.Reports[-1].instance | Should -Be 'i-0win'
    }
    It 'says at once that what failed is tried again' {
        $m = New-Machine
        $m.Broken = @('kubeadm.exe')
        Invoke-AtEveryStart $Node | Should -Be 15
        $count = $m.Reports.Count
        $m.Broken = @()
        $began = $m.Now
        Set-Behaviour 'Write-SSMParameter' {
            param($Given, $Default, $M)
            $M.FirstReport = @($M.FirstReport) + $M.Now
            & $Default $Given
        }
        Invoke-AtEveryStart $Node | Should -Be 0
        "$($m.Reports[$count].phase) $($m.Reports[$count].result)" | Should -Be 'join running'
        (@($m.FirstReport -ne $null)[0] - $began).TotalSeconds | Should -BeLessThan 5
    }
    It 'comes once from a machine that is ready, which is left as it is' {
        $m = Get-SettledMachine @{ ExpiryParameter = '/microcosm/dev/expiry' }
        $files = {
            Get-ChildItem -Recurse -File $m.Root |
                ForEach-Object {
                    "$($_.FullName) $($_.LastWriteTime.Ticks) $((Get-FileHash $_.FullName).Hash)"
                }
        }
        $before, $writes, $reports, $log = (& $files), $m.Writes.Count, $m.Reports.Count, $m.Log.Count
        Invoke-Script $Node | Should -Be 0
        & $files | Should -Be $before
        @($m.Writes | Select-Object -Skip $writes | Where-Object {
            $_.Path -notlike '*node.log'
        }) | Should -BeNullOrEmpty
        $m.Reports.Count | Should -Be $reports
        $m.Log | Select-Object -Skip $log | Should -BeLike 'kubectl.exe *'
    }
}
