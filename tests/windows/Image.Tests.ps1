# Image.Tests.ps1: a machine is made right whose image brings services and a state of its own.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    function Get-Joins($M) { @($M.Log | Where-Object { $_ -like 'kubeadm.exe join*' }).Count }
}
AfterAll { Remove-Machine }

Describe 'a service of the same name that came with the image' {
    It '<Name> of another program, <Status>, becomes ours' -ForEach @(
        foreach ($name in 'containerd', 'kubelet', 'flanneld', 'kube-proxy') {
            foreach ($status in 'Running', 'Stopped') { @{ Name = $name; Status = $status } }
        }
    ) {
        $m = New-Machine
        & (Get-Module Machine) {
            Add-Service $args[0] "D:\other\$($args[0]).exe" 'Manual' $args[1]
        } $Name $Status
        Invoke-AtEveryStart $Node | Should -Be 0 -Because "$($m.Reports[-1].detail) $($m.Console[-1])"
        Assert-Whole $m
        $m.Services[$Name].Program | Should -Not -BeLike 'D:*'
    }
    It 'containerd with another configuration becomes ours' {
        $m = New-Machine
        & (Get-Module Machine) { Add-Service 'containerd' 'C:\Program Files\containerd\containerd.exe' }
        $m.Services.containerd.Arguments = @('--run-service')
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        "$($m.Services.containerd.Arguments)" |
            Should -BeLike '*--config C:\Program Files\containerd\config.toml*'
    }
    It 'another <Setting> of <Name> is set right' -ForEach @(
        foreach ($name in 'flanneld', 'kube-proxy') {
            @{ Name = $name; Setting = 'AppParameters'; Value = '--v=9' },
                @{ Name = $name; Setting = 'Application'; Value = 'C:\k\old.exe' }
        }
    ) {
        $m = Get-SettledMachine
        $right = $m.Services[$Name].Settings[$Setting]
        $m.Services[$Name].Settings[$Setting] = $Value
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        $m.Services[$Name].Settings[$Setting] | Should -BeExactly $right
    }
}

Describe 'a state that came with an image' {
    BeforeEach {
        $script:m = Get-SettledMachine
        $m.Instance = 'i-0new'; $m.NodeIp = '10.0.3.99'; $m.Interfaces[9].Address = '10.0.3.99'
        $m.PodCidr = '10.244.9.0/24'; $m.NodeInCluster = $false
        Restart-Machine
    }
    It 'nothing of the other node is taken for this one''s' {
        $joins = Get-Joins $m
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        Get-Joins $m | Should -Be ($joins + 1)
        Get-MachineFile 'C:\k\StartKubelet.ps1' | Should -Match '--node-ip=10\.0\.3\.99'
        (Get-Arguments 'flanneld')['iface'] | Should -Be '10.0.3.99'
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -BeLike '10.244.9.*'
    }
    It 'it is noticed as well where metadata comes late' {
        $m.Answers = @('error')
        Invoke-AtEveryStart $Node | Should -Be 19 -Because 'phases have been passed over; run.ps1 begins anew'
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
}
