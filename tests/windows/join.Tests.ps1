# join.Tests.ps1: the node's script: its downloads, the join, and the true PrepareNode.ps1.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')

    function Set-Join($M, [hashtable] $Changes) {
        $join = $M.Parameters['/microcosm/dev/join'] | ConvertFrom-Json
        foreach ($item in $Changes.GetEnumerator()) { $join.($item.Key) = $item.Value }
        $M.Parameters['/microcosm/dev/join'] = ConvertTo-Json $join
    }
}
AfterAll { Remove-Machine }

Describe 'downloads' {
    It 'a file with another sum is never used' {
        $m = New-Machine
        $m.Web['https://example.org/nssm'] = 'something else'
        Invoke-AtEveryStart $Node | Should -Be 12
        $m.Reports[-1].detail | Should -BeLike '*does not have the sum sha256:*'
        Test-Path 'C:\microcosm\downloads\nssm' | Should -BeFalse
    }
    It 'a second address is tried when the first fails' {
        $m = New-Machine
        $m.Inputs.Artifacts.nssm.Urls = @('https://nssm.cc/away.zip') + $m.Inputs.Artifacts.nssm.Urls
        Set-MachineFile 'C:\microcosm\inputs.xml' ([Management.Automation.PSSerializer]::Serialize($m.Inputs,
            8))
        Invoke-AtEveryStart $Node | Should -Be 0
    }
    It 'PrepareNode.ps1 gets verified files, and nothing that is not in the bill of materials' {
        $m = Get-SettledMachine
        Get-MachineFile 'C:\k\kubelet.exe' | Should -Be 'kubelet.exe'
        Get-MachineFile 'C:\microcosm\downloads\nssm' | Should -Be 'archive nssm'
        $m = New-Machine
        $text = ("Param([string] `$KubernetesVersion, [string] `$HostnameOverride)`ncurl.exe -Lo " +
            "C:\k\new.exe https://dl.k8s.io/new.exe")
        $m.Web['https://example.org/PrepareNode.ps1'] = $text
        $m.Inputs.Artifacts['PrepareNode.ps1'].Sum = "sha256:$(Get-Sum $text)"
        Set-MachineFile 'C:\microcosm\inputs.xml' ([Management.Automation.PSSerializer]::Serialize($m.Inputs,
            8))
        Invoke-AtEveryStart $Node | Should -Be 14
        $m.Reports[-1].detail | Should -BeLike ('*https://dl.k8s.io/new.exe, which is not in the bill of ' +
            'materials*')
    }
    It 'downloads speak TLS 1.2, which .NET on Server 2019 does not offer first' {
        $before = [Net.ServicePointManager]::SecurityProtocol
        try {
            [Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::SystemDefault
            $m = New-Machine
            Set-Behaviour 'Invoke-WebRequest' {
                param($Given, $Default, $M)
                $M.Protocol = [Net.ServicePointManager]::SecurityProtocol
                & $Default $Given
            }
            Invoke-AtEveryStart $Node | Should -Be 0
            $m.Protocol | Should -Be 'Tls12'
        }
        finally { [Net.ServicePointManager]::SecurityProtocol = $before }
    }
}

Describe 'the join' {
    It 'a document of another control plane, or with a dead token, is waited out: <Key>' -ForEach @(
        @{ Key = 'instance'; Value = 'i-0old' }, @{ Key = 'expires'; Value = '2026-11-25T08:00:00+00:00' }
        @{ Key = 'expires'; Value = '2026-11-25T10:30:00+02:00' }
    ) {
        $m = New-Machine
        $good, $began = $m.Parameters['/microcosm/dev/join'], $m.Now
        Set-Join $m @{ $Key = $Value }
        Add-Event 900 { param($M) $M.Parameters['/microcosm/dev/join'] = $good }.GetNewClosure()
        Invoke-AtEveryStart $Node | Should -Be 0
        ($m.Now - $began).TotalSeconds | Should -BeGreaterThan 900
    }
    It 'a document that never comes fails the phase, and says what it waited for' {
        $m = New-Machine
        $m.Parameters['/microcosm/dev/join'] = 'pending'
        Invoke-AtEveryStart $Node | Should -Be 15
        $m.Reports[-1].detail | Should -BeLike 'no /microcosm/dev/join of i-0cp within 2400 s: *'
        $m.Services.kubelet.StartType |
            Should -Be 'Manual' -Because 'without its configuration it would only fail, and nssm pause it'
    }
    It 'the token stays nowhere' {
        $m = Get-SettledMachine
        $kept = Get-ChildItem -Recurse -File -Path $m.Root |
            Where-Object { [IO.File]::ReadAllText($_.FullName) -match 'abcdef\.0123456789abcdef' }
        $kept | Should -BeNullOrEmpty
        "$($m.Log) $(ConvertTo-Json -Depth 5 $m.Reports) $($m.Console)" |
            Should -Not -Match 'abcdef\.0123456789abcdef'
    }
    It 'what a join that was cut off has left is removed' {
        $m = New-Machine
        Set-MachineFile 'C:\etc\kubernetes\pki\ca.crt' 'of a first attempt'
        Set-MachineFile 'C:\etc\kubernetes\bootstrap-kubelet.conf' 'of a first attempt'
        Invoke-AtEveryStart $Node | Should -Be 0
    }
    It 'a join that failed three times succeeds in a later run of the same start of Windows' {
        # kubeadm looks for kubelet on PATH, and run.ps1 hands on that of its own start (kubernetes v1.35.8,
        # preflight/checks.go).
        $m = New-Machine
        $m.Broken = @('kubeadm.exe')
        Invoke-AtEveryStart $Node | Should -Be 15
        $m.Broken = @()
        Invoke-Script $Node | Should -Be 0
        Assert-Whole $m
    }
    It 'a Node that was deleted while its kubelet runs is made again, with its lease' {
        $m = Get-SettledMachine
        $m.NodeInCluster = $m.Lease = $false
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        $m.Lease | Should -BeTrue -Because 'without it the other nodes have no way to its pods'
        @($m.Log -like 'kubeadm.exe join*').Count | Should -Be 1 -Because 'its certificate is still good'
    }
    It 'the source VIP is kept for as long as the subnet' {
        # host-local refuses a second one for the same id, and an old one may belong to a pod of another node.
        $m = Get-SettledMachine
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -Be '10.244.2.2'
        $m.Services.Remove('kube-proxy')
        Invoke-Script $Node | Should -Be 0
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -Be '10.244.2.2'
        $m.PodCidr = '10.244.7.0/24'
        $m.Services.Remove('kube-proxy')
        Invoke-Script $Node | Should -Be 0
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -BeLike '10.244.7.*'
    }
    It 'a source VIP whose note was lost is taken anew' {
        $m = Get-SettledMachine
        Remove-Item -Path 'C:\k\source-vip.json'
        $m.Services.Remove('kube-proxy')
        Invoke-Script $Node | Should -Be 0
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -BeLike '10.244.2.*'
    }
    It 'PrepareNode.ps1 can be run a second time' {
        # It fails at its own link and firewall rule, and keeps the service of the first time.
        $m = Get-SettledMachine
        Remove-Item -Path 'C:\k\StartKubelet.ps1'
        foreach ($name in 'flanneld', 'kube-proxy') { Stop-Service -Name $name }
        Invoke-AtEveryStart $Node | Should -Be 0
        Assert-Whole $m
    }
}

Describe 'the true PrepareNode.ps1' -Skip:(-not $env:MICROCOSM_PREPARE_NODE) {
    # MICROCOSM_PREPARE_NODE names a folder with the file of the bill of materials; its sum is checked.
    BeforeAll {
        function Get-TrueMachine {
            $file = Join-Path $env:MICROCOSM_PREPARE_NODE 'PrepareNode.ps1'
            $bom = [IO.File]::ReadAllText((Join-Path $PSScriptRoot '../../bom/1.35.8.json'))
            $bom | Should -Match (Get-Sum ([IO.File]::ReadAllText($file))) -Because 'it is the pinned one'
            $m = New-Machine
            $m.Web['https://example.org/PrepareNode.ps1'] = [IO.File]::ReadAllText($file)
            $m.Inputs.Artifacts['PrepareNode.ps1'].Sum = "sha256:$(Get-Sum ([IO.File]::ReadAllText($file)))"
            Set-MachineFile 'C:\microcosm\inputs.xml' (
                [Management.Automation.PSSerializer]::Serialize($m.Inputs, 8))
            $m
        }
    }
    It 'leads to a ready node, with our files and our StartKubelet.ps1' {
        $m = Get-TrueMachine
        Invoke-AtEveryStart $Node | Should -Be 0 -Because "$($m.Reports[-1].detail)"
        Assert-Whole $m
        Get-MachineFile 'C:\k\kubelet.exe' | Should -Be 'kubelet.exe'
        Get-MachineFile 'C:\k\StartKubelet.ps1' | Should -Match 'function Start-Kubelet'
    }
    It 'can be run a second time' {
        $m = Get-TrueMachine
        Invoke-AtEveryStart $Node | Should -Be 0
        Remove-Item -Path 'C:\k\StartKubelet.ps1'
        foreach ($name in 'flanneld', 'kube-proxy') { Stop-Service -Name $name }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because "$($m.Reports[-1].detail)"
        Assert-Whole $m
    }
}
