# Repair.Tests.ps1: a machine that is not at rest is repaired: services and programs run, files are in use, a
# node has joined.

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Token = 'abcdef.0123456789abcdef'
    function Add-Running([string] $Path) {
        $name = [IO.Path]::GetFileNameWithoutExtension(($Path -replace '\\', '/'))
        $m.Processes += [pscustomobject] @{ Name = $name; Id = 5000 + $m.Processes.Count; Path = $Path }
    }
    function Get-Joins($M) { @($M.Log | Where-Object { $_ -like 'kubeadm.exe join*' }).Count }
}
AfterAll { Remove-Machine }

Describe 'a ready node' {
    It 'prepare-node is repaired while everything runs, and the node joins no second time' {
        $m = Get-SettledMachine
        $joins = Get-Joins $m
        Set-MachineFile 'C:\k\StartKubelet.ps1' 'changed by hand'
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        Get-Joins $m | Should -Be $joins
    }
    It 'containerd is repaired while shims and a pull run' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\Program Files\containerd\config.toml' ''
        Add-Running 'C:\Program Files\containerd\containerd-shim-runhcs-v1.exe'
        Add-Running 'C:\Program Files\containerd\ctr.exe'
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
    It 'children of a service that was ended do not keep their program' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\k\StartKubelet.ps1' 'changed by hand'
        foreach ($name in 'kubelet', 'kube-proxy', 'flanneld') { Add-Running "C:\k\$name.exe" }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
    }
    It '<Path> that runs keeps no file from being replaced' -ForEach @(
        @{ Path = 'C:\opt\cni\bin\win-overlay.exe'; File = 'C:\Program Files\containerd\config.toml' }
        @{ Path = 'C:\opt\cni\bin\host-local.exe'; File = 'C:\Program Files\containerd\config.toml' }
        @{ Path = 'C:\opt\cni\bin\flannel.exe'; File = 'C:\Program Files\containerd\config.toml' }
        @{ Path = 'C:\k\kubectl.exe'; File = 'C:\k\StartKubelet.ps1' },
            @{ Path = 'C:\k\kubeadm.exe'; File = 'C:\k\StartKubelet.ps1' }
    ) {
        $m = Get-SettledMachine
        Set-MachineFile $File 'changed by hand'
        Add-Running $Path
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
    It 'programs of others are left alone: <Path>' -ForEach @(
        @{ Path = 'D:\tools\ctr.exe'; File = 'C:\Program Files\containerd\config.toml' }
        @{ Path = 'C:\Program Files\Docker\containerd.exe'; File = 'C:\Program Files\containerd\config.toml' }
        @{ Path = 'C:\agent\nssm.exe'; File = 'C:\k\StartKubelet.ps1' },
            @{ Path = 'C:\tools\kubectl.exe'; File = 'C:\k\StartKubelet.ps1' }
    ) {
        $m = Get-SettledMachine
        Set-MachineFile $File 'changed by hand'
        Add-Running $Path
        Invoke-AtEveryStart $Node | Should -Be 0
        $m.Processes.Path | Should -Contain $Path
    }
    It '<_> that is paused runs again' -ForEach 'kubelet', 'flanneld', 'kube-proxy' {
        $m = Get-SettledMachine
        $m.Services[$_].Status = 'Paused'
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
    It '<_> that was removed is made again' -ForEach 'containerd', 'kubelet', 'flanneld', 'kube-proxy' {
        $m = Get-SettledMachine
        $m.Services.Remove($_)
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
    It '<_> that no longer starts by itself does so again' -ForEach 'containerd', 'kubelet', 'flanneld',
        'kube-proxy' {
        $m = Get-SettledMachine
        $m.Services[$_].StartType = 'Disabled'
        $m.Services[$_].Status = 'Stopped'
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
    It 'a kubelet service that is marked for deletion is ended by a restart of Windows' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\k\StartKubelet.ps1' 'changed by hand'
        # Another program, as an open window of the services, holds a handle.
        Set-Behaviour 'sc.exe' {
            param($Words, $Default, $M)
            if ($Words[0] -ne 'delete') { return & $Default $Words }
            if ($M.Services.kubelet.Marked) {
                throw ('exit 1072: [SC] DeleteService FAILED 1072: The specified service has been marked ' +
                    'for deletion.')
            }
            $M.Services.kubelet.Marked = $true
        }
        $boots = $m.Boot
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        $m.Boot | Should -Be ($boots + 1)
        $m.Reports.detail -match 'marked for deletion' | Should -Not -BeNullOrEmpty
    }
    It 'a kubelet that does not get ready joins anew where its kubeconfig is gone' {
        $m = Get-SettledMachine
        [IO.File]::Delete((Get-RealPath 'C:\etc\kubernetes\kubelet.conf'))
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
    }
    It 'PATH of the machine holds C:\k once, however often prepare-node is repaired' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\k\StartKubelet.ps1' 'changed by hand'
        Restart-Machine
        $m.Seen = @()
        Set-Behaviour 'nssm.exe' {
            param($Words, $Default, $M)
            if ($Words[0] -eq 'install') { $M.Seen += $env:Path }
            & $Default $Words
        }
        Invoke-AtEveryStart $Node | Should -Be 0
        @($m.Seen[0] -split ';' -eq 'C:\k').Count | Should -Be 1
    }
}

Describe 'what Windows was set to' {
    It '<Case> that was taken away comes back' -ForEach @(
        @{ Case = 'a setting of the registry'; Do = {
            param($M)
            $M.Registry.Remove(@($M.Registry.Keys -like '*\hns\State')[0])
        } }
        @{ Case = 'another value of a setting'; Do = {
            param($M)
            $M.Registry[@($M.Registry.Keys -like '*\AU')[0]].NoAutoUpdate = 'DWord 0'
        } }
        @{ Case = 'a rule of the firewall'; Do = { param($M) $M.Firewall.Remove('microcosm-vxlan') } }
        @{ Case = 'the task of the routes'; Do = { param($M) $M.Tasks.Remove('microcosm-metadata-routes') } }
        @{ Case = 'the task of the expiry'; Do = { param($M) $M.Tasks.Remove('microcosm-expiry') } }
        @{ Case = 'the task of the watch'; Do = { param($M) $M.Tasks.Remove('microcosm-watch') } }
    ) {
        $m = Get-SettledMachine @{ ExpiryParameter = '/microcosm/dev/expiry' }
        $before = ConvertTo-Json -Depth 4 ($m.Registry, $m.Firewall, $m.Tasks)
        & $Do $m
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        $after = ConvertTo-Json -Depth 4 ($m.Registry, $m.Firewall, $m.Tasks)
        ($after | ConvertFrom-Json | ConvertTo-Json -Depth 4).Length |
            Should -Be ($before | ConvertFrom-Json | ConvertTo-Json -Depth 4).Length
    }
    It '<_> that was disabled is made again' -ForEach 'microcosm-watch', 'microcosm-metadata-routes' {
        $m = Get-SettledMachine
        $m.DisabledTasks = @($_)
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        $m.DisabledTasks | Should -BeNullOrEmpty
    }
    It 'a firewall rule that was disabled is made again' {
        $m = Get-SettledMachine
        $m.Firewall['microcosm-nodeports-tcp'] += ' disabled'
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        $m.Firewall['microcosm-nodeports-tcp'] | Should -Be 'Allow Inbound TCP 30000-32767'
    }
    It 'power lost before a port range is set does not make Windows look set up' {
        $m = New-Machine
        $m.Feature = 'Installed'
        Set-Behaviour 'netsh.exe' { param($Words, $Default, $M) $M.CrashAt = $M.Calls + 1; Step 'power' }
        [void] (Invoke-Script $Node)
        $m.Crashes | Should -Be 1
        $m.Behaviours.Clear()
        Restart-Machine
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        @($m.Log -like 'netsh.exe *').Count | Should -Be 2
    }
}

Describe 'a join' {
    It 'finds kubelet.exe on PATH in a run that PrepareNode.ps1 is not part of' {
        $m = New-Machine
        $m.Broken = @('kubeadm.exe')
        Invoke-AtEveryStart $Node | Should -Be 15
        $m.Broken = @()
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
    }
    It 'that failed leaves no token' {
        $m = New-Machine
        Set-Behaviour 'kubeadm.exe' {
            param($Words, $Default)
            & $Default $Words
            throw 'error: the API cannot be reached'
        }
        Invoke-AtEveryStart $Node | Should -Be 15
        Get-ChildItem -Recurse -File $m.Root | Where-Object Name -Match 'join\.yaml|bootstrap-kubelet' |
            Should -BeNullOrEmpty
    }
    It 'that was cut off leaves no token, whatever fails later: <_>' -ForEach 'C:\microcosm\join.yaml',
        'C:\microcosm\join.yaml.new' {
        $m = New-Machine
        Set-MachineFile $_ "token: $Token"
        $m.Broken = @('netsh.exe')
        Invoke-AtEveryStart $Node | Should -Be 10
        Get-ChildItem -Recurse -File $m.Root | Select-String -SimpleMatch $Token | Should -BeNullOrEmpty
    }
    It 'that was cut off before kubeadm removed its own token is tidied up' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\etc\kubernetes\bootstrap-kubelet.conf' "token: $Token"
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Test-Path 'C:\etc\kubernetes\bootstrap-kubelet.conf' | Should -BeFalse
    }
}
