# host.Tests.ps1: what Windows itself is like on a node that is ready: settings, firewall, tasks, services,
# programs.

BeforeDiscovery {
    $hns = 'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State'
    $overrides = 'HKLM:\SYSTEM\CurrentControlSet\Policies\Microsoft\FeatureManagement\Overrides'
    # Fixes that ship switched off, as image-builder sets them (kubernetes-sigs/image-builder ae63061).
    $Builds = @(
        @{ Build = 17763
            Own = @{ "$hns\HNSControlFlag" = 80
                'HKLM:\SYSTEM\CurrentControlSet\Services\wcifs\WcifsSOPCountDisabled' = 0 } }
        @{ Build = 20348; Own = @{ "$overrides\1114842764" = 0 } }
        @{ Build = 26100; Own = @{ "$overrides\520997518" = 1 } }
    )
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    $Ready = Get-SettledMachine
    $Tasks, $Log, $Access = $Ready.Tasks, @($Ready.Log), $Ready.Access
    $Metadata = '169.254.169.254/32'
}
AfterAll { Remove-Machine }

Describe 'a ready node' {
    It 'lets in the overlay, NodePorts and the kubelet, and nothing else' {
        $Ready.Firewall.Count | Should -Be 4
        $Ready.Firewall['microcosm-vxlan'] | Should -Be 'Allow Inbound UDP 4789'
        $Ready.Firewall['microcosm-nodeports-tcp'] | Should -Be 'Allow Inbound TCP 30000-32767'
        $Ready.Firewall['microcosm-nodeports-udp'] | Should -Be 'Allow Inbound UDP 30000-32767'
        $Ready.Firewall['kubelet'] | Should -Be 'Allow Inbound TCP 10250'
    }
    It 'has Defender leave the programs alone that unpack and serve layers' {
        $names = $Ready.Excluded | ForEach-Object { ($_ -split '\\')[-1] } | Sort-Object
        $names | Should -Be 'containerd-shim-runhcs-v1.exe', 'containerd.exe', 'ctr.exe', 'flanneld.exe',
        'kube-proxy.exe', 'kubelet.exe'
    }
    It 'gives no NodePort to an outgoing connection' {
        $Log | Should -Contain 'netsh.exe int ipv4 set dynamicportrange tcp 34000 31536'
    }
    It 'keeps its clock' {
        $Ready.Services.w32time.Status | Should -Be 'Running'
        $Ready.Services.w32time.StartType | Should -Be 'Automatic'
    }
    It 'repairs its metadata routes each minute, by a script of its own' {
        $Tasks['microcosm-metadata-routes'] |
            Should -BeLike 'every 1 min;*SYSTEM; *powershell.exe *-File C:\microcosm\metadata-routes.ps1*'
        $Tasks['microcosm-expiry'] | Should -BeNullOrEmpty -Because 'its stack has no end'
    }
    It 'brings each program back for ever' {
        foreach ($name in 'kubelet', 'flanneld', 'kube-proxy') {
            $Ready.Services[$name].Settings.AppThrottle | Should -Be '0' -Because "nssm would pause $name"
            [int] $Ready.Services[$name].Settings.AppRestartDelay | Should -BeLessOrEqual 5000
        }
        # containerd's own recovery gives up after the second crash in a day (containerd v2.2.7,
        # service_windows.go).
        $Log | Should -Contain 'sc.exe failure containerd reset= 0 actions= restart/15000'
    }
    It 'writes a log of each program, and rotates it' {
        "$($Ready.Services.containerd.Arguments)" |
            Should -BeLike '*--log-file C:\var\log\containerd\containerd.log*'
        foreach ($name in 'flanneld', 'kube-proxy') {
            $Ready.Services[$name].Settings.AppStderr | Should -Be "C:\var\log\$name\$name.log"
            $Ready.Services[$name].Settings.AppStdout | Should -Be "C:\var\log\$name\$name.log"
        }
        foreach ($name in 'kubelet', 'flanneld', 'kube-proxy') {
            $Ready.Services[$name].Settings.AppRotateFiles | Should -Be '1'
            $Ready.Services[$name].Settings.AppRotateBytes | Should -Be '10485760'
        }
    }
    It 'closes folders with keys and programs to users' {
        foreach ($folder in 'C:\k', 'C:\etc\kubernetes', 'C:\var\lib\kubelet\pki') {
            $Access[$folder] | Should -BeLike ('/inheritance:r /grant:r *S-1-5-18:(OI)(CI)F ' +
                '*S-1-5-32-544:(OI)(CI)F') -Because $folder
        }
    }
    It 'pulls its images ahead' {
        $pull = ('start ctr.exe --namespace k8s.io images pull --hosts-dir C:\etc\containerd\certs.d ' +
            'mcr.microsoft.com/wcf:1')
        @($Log -like 'start ctr.exe*') | Select-Object -Unique | Should -Be $pull
    }
    It 'has them, although the making of the network breaks the connection of a pull (rancher/rke2#5702)' {
        $m = Get-SettledMachine
        Step-Clock 300
        $m.Images | Should -Contain 'mcr.microsoft.com/wcf:1'
    }
    It 'starts its programs without a console, which may fail with 0xC0000142' {
        # nssm.cc/download, of 2.24 on Windows 10 1703 and later.
        foreach ($name in 'flanneld', 'kube-proxy') {
            $Ready.Services[$name].Settings.AppNoConsole | Should -Be '1'
        }
    }
    It 'has a network.kubeconfig from the control plane' {
        Get-MachineFile 'C:\k\network.kubeconfig' | Should -Be 'a kubeconfig'
    }
}

Describe 'programs get their arguments' {
    It 'as they are written, by the quoting of 5.1' {
        $m = New-Machine
        $m.Echo = Join-Path $m.Root 'argv'
        [IO.File]::WriteAllText($m.Echo, "#!/bin/sh`nfor a in `"`$@`"; do printf '%s\n' `"`$a`"; done`n")
        chmod +x $m.Echo
        Invoke-AtEveryStart $Node | Should -Be 0 -Because "$($m.Reports[-1].detail)"
    }
}

Describe 'the registry' {
    It 'of build <Build> has its own fixes and no restart on patch day' -ForEach $Builds {
        $m = New-Machine
        $m.Build = $Build
        # The settings are made in the first phase, whatever comes later.
        [void] (Invoke-Script $Node)
        $expected = $Own + @{
            'HKLM:\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU\NoAutoUpdate' = 1
            'HKLM:\SYSTEM\CurrentControlSet\Services\hns\State\EnableCompartmentNamespace' = 1
        }
        $found = @{}
        foreach ($key in $m.Registry.GetEnumerator()) {
            foreach ($value in $key.Value.GetEnumerator()) {
                if ("$($value.Value)" -like 'DWord *') { $found["$($key.Key)\$($value.Key)"] = $value.Value }
            }
        }
        $found.Count | Should -Be $expected.Count
        foreach ($item in $expected.GetEnumerator()) {
            $found[$item.Key] | Should -Be "DWord $($item.Value)" -Because $item.Key
        }
    }
}

Describe 'Windows without this or that' {
    It 'a machine without Defender becomes a node too' {
        [void] (New-Machine)
        Set-Behaviour 'Add-MpPreference' { throw 'the service cannot be started' }
        Invoke-AtEveryStart $Node | Should -Be 0
    }
    It 'Containers alone is installed: Hyper-V refuses on a virtual EC2 machine' {
        $m = New-Machine
        $m.Asked = @()
        Set-Behaviour 'Install-WindowsFeature' {
            param($Given, $Default, $M)
            $M.Asked += $Given.Name
            & $Default $Given
        }
        [void] (Invoke-Script $Node)
        $m.Asked | Should -Be 'Containers'
    }
    It 'another major version of containerd is refused with those that are known' {
        $m = New-Machine @{ ContainerdVersion = '3.0.0' }
        Invoke-AtEveryStart $Node | Should -Be 13
        $m.Reports[-1].detail | Should -BeLike 'containerd 3.0.0 is not one of the major versions*'
    }
    It 'kubelet with a Windows start has a PATH with kubelet only after it' {
        # The stand-in's own promise: kubeadm finds kubelet by PATH, which PrepareNode.ps1 changes for later
        # processes.
        $m = New-Machine
        $m.Path | Should -Not -Match 'C:\\k(;|$)'
    }
}

Describe 'the task of the metadata routes' {
    It 'puts back the routes to all link-local services' {
        $m = Get-SettledMachine
        $m.Routes = @(New-Route '0.0.0.0/0' 9)
        Invoke-Script 'C:\microcosm\metadata-routes.ps1' | Should -Be 0
        foreach ($last in 254, 253, 123, 249, 250, 251) { Test-Route "169.254.169.$last/32" | Should -BeTrue }
    }
    It 'replaces a route of the adapter that is gone' {
        # EC2Launch v1 keeps its routes over a restart, bound to the adapter from before the first network.
        $m = Get-SettledMachine
        $m.Routes = @((New-Route '0.0.0.0/0' 9), (New-Route $Metadata 4))
        Invoke-Script 'C:\microcosm\metadata-routes.ps1' | Should -Be 0
        ($m.Routes | Where-Object DestinationPrefix -EQ $Metadata).ifIndex | Should -Be 9
    }
    It 'takes none away while there is no default route' {
        $m = Get-SettledMachine
        $m.Routes = @(New-Route $Metadata 9)
        [void] (Invoke-Script 'C:\microcosm\metadata-routes.ps1')
        Test-Route $Metadata | Should -BeTrue
    }
    It 'changes nothing where all is well' {
        $m = Get-SettledMachine
        Invoke-Script 'C:\microcosm\metadata-routes.ps1' | Should -Be 0
        $calls = $m.Calls
        Invoke-Script 'C:\microcosm\metadata-routes.ps1' | Should -Be 0
        $m.Calls | Should -Be $calls
    }
}

Describe 'StartKubelet.ps1, as it is written' {
    It 'hands on each flag whole, its commas too, and the exit code' {
        # PowerShell splits a bare word at its commas; two labels, or two taints, would become two arguments.
        $m = Get-SettledMachine
        Set-Behaviour 'kubelet.exe' { throw 'exit 3: ended' }
        Invoke-Script 'C:\k\StartKubelet.ps1' | Should -Be 3
        $words = $m.Log[-1] -split ' '
        $words[0] | Should -Be 'kubelet.exe'
        foreach ($word in '--node-labels=a=b,c=d', '--register-with-taints=os=windows:NoSchedule',
            '--enforce-node-allocatable=', '--resolv-conf=',
            '--node-ip=10.0.3.7', '--hostname-override=windows-0', '--cgroups-per-qos=false') {
                $words | Should -Contain $word
            }
        $words | Where-Object { $_ -notlike '--*' -and $_ -ne 'kubelet.exe' } | Should -BeNullOrEmpty
    }
    It 'gives the arguments of a list as single words in the quoting of 5.1' {
        $m = Get-SettledMachine
        $m.Echo = Join-Path $m.Root 'argv'
        [IO.File]::WriteAllText($m.Echo, "#!/bin/sh`nfor a in `"`$@`"; do printf '%s\n' `"`$a`"; done`n")
        chmod +x $m.Echo
        Invoke-Script 'C:\k\StartKubelet.ps1' | Should -Be 0
    }
}
