# Content.Tests.ps1: a file that is there is not taken for the file that should be there, whatever has become
# of it.

BeforeDiscovery {
    $Ways = 'empty', 'zeros', 'half', 'more'
    $Paths = @(
        'C:\microcosm\state.json', 'C:\microcosm\containerd.sums', 'C:\microcosm\node.sums',
        'C:\microcosm\join.sums'
        'C:\microcosm\network.sums'
        'C:\microcosm\watch.ps1', 'C:\microcosm\stop-expired.ps1', 'C:\microcosm\metadata-routes.ps1'
        'C:\microcosm\downloads\containerd', 'C:\Program Files\containerd\config.toml',
        'C:\etc\containerd\certs.d\_default\hosts.toml'
        'C:\Program Files\containerd\containerd.exe', 'C:\opt\cni\bin\host-local.exe',
        'C:\opt\cni\bin\flannel.exe'
        'C:\Program Files\nssm\nssm.exe', 'C:\k\kubelet.exe', 'C:\k\kube-proxy.exe', 'C:\k\flanneld.exe',
        'C:\k\StartKubelet.ps1'
        'C:\etc\kubernetes\kubelet.conf', 'C:\etc\kubernetes\pki\ca.crt', 'C:\var\lib\kubelet\config.yaml'
        'C:\var\lib\kubelet\kubeadm-flags.env', 'C:\k\network.kubeconfig', 'C:\k\source-vip.json',
        'C:\k\net-conf.json'
        'C:\etc\cni\net.d\10-flannel.conflist'
    )
    # Each file one way, the next file the next way; all of them with EVERY=1.
    $Torn = for ($i = 0; $i -lt $Paths.Count; $i++) {
        foreach ($way in $(if ($env:EVERY -eq 1) { $Ways } else { $Ways[$i % 4] })) {
            @{ Path = $Paths[$i]; Way = $way }
        }
    }
}

BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/steps.ps1')
    function Set-Torn([string] $Path, [string] $Way) {
        & (Get-Module Machine) { Set-TornFile $args[0] $args[1] } $Path $Way
    }
    $Inputs = @{ ExpiryParameter = '/microcosm/dev/expiry'; RegistryMirror = 'http://10.0.0.9:5000' }
}
AfterAll { Remove-Machine }

Describe 'a file that a loss of power has torn' {
    It '<Path> (<Way>) is made good at the next start' -ForEach $Torn {
        # One machine for all, as long as each leaves it whole.
        if (-not $script:Whole) { $script:m = Get-SettledMachine $Inputs }
        $script:Whole = $false
        $before = Get-MachineFile $Path
        Set-Torn $Path $Way
        [string]::Equals((Get-MachineFile $Path), $before) | Should -BeFalse -Because 'it is torn'
        Restart-Machine
        # The task of every minute.
        Add-Event 60 { param($M) if (-not (Test-Route $Metadata)) { $M.Routes += New-Route $Metadata 9 } }
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        if ($Path -notmatch 'state\.json|source-vip') {
            [string]::Equals((Get-MachineFile $Path), $before) | Should -BeTrue -Because $Path
        }
        $script:Whole = $true
    }
}

Describe 'what is there and not what is wanted' {
    It 'the subnet of a node that was made anew gets a source VIP and a kube-proxy of its own' {
        $m = Get-SettledMachine
        $m.PodCidr = '10.244.7.0/24'
        Invoke-AtEveryStart $Node | Should -Be 0
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -BeLike '10.244.7.*'
    }
    It 'an address that is no address is not kept: <_>' -ForEach '""', 'null', '"10.244.2"',
        '["10.244.2.2"]' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\k\source-vip.json' "{`"subnet`": `"$($m.PodCidr)`", `"address`": $_}"
        $m.Services.Remove('kube-proxy')
        Invoke-AtEveryStart $Node | Should -Be 0
        (Get-Arguments 'kube-proxy')['source-vip'] | Should -Match '^10\.244\.2\.\d+$'
    }
    It 'the hosts file of a mirror that is no longer wanted goes' {
        $m = Get-SettledMachine
        Set-MachineFile 'C:\etc\containerd\certs.d\_default\hosts.toml' '[host."http://10.9.9.9:5000"]'
        Invoke-AtEveryStart $Node | Should -Be 0
        Test-Path 'C:\etc\containerd\certs.d\_default\hosts.toml' | Should -BeFalse
    }
    It 'a text that differs in case alone is another text' {
        $m = Get-SettledMachine
        $file = 'C:\etc\cni\net.d\10-flannel.conflist'
        Set-MachineFile $file (Get-MachineFile $file).Replace('OutBoundNAT', 'outboundnat')
        Invoke-AtEveryStart $Node | Should -Be 0
        Get-MachineFile $file | Should -MatchExactly 'OutBoundNAT'
    }
    It '<Case> is made anew' -ForEach @(
        @{ Case = 'a rule of the firewall for another port'; Do = {
            param($M)
            $M.Firewall['microcosm-vxlan'] = 'Allow Inbound UDP 8472'
        } }
        @{ Case = 'a rule of the firewall that blocks'; Do = {
            param($M)
            $M.Firewall['microcosm-vxlan'] = 'Block Inbound UDP 4789'
        } }
        @{ Case = 'a rule of the firewall for the way out'; Do = {
            param($M)
            $M.Firewall['microcosm-vxlan'] = 'Allow Outbound UDP 4789'
        } }
        @{ Case = 'a task that runs another program'; Do = {
            param($M)
            $M.Tasks['microcosm-watch'] = 'every 10 min; SYSTEM; notepad.exe'
        } }
        @{ Case = 'a task that runs another script'
            Do = {
                param($M)
                $M.Tasks['microcosm-metadata-routes'] = $M.Tasks['microcosm-metadata-routes'] -replace
                    'metadata-routes\.ps1$', 'old.ps1'
            } }
        @{ Case = 'another program of the service kubelet'; Do = {
            param($M)
            $M.Services.kubelet.Settings.Application = 'C:\k\old.exe'
        } }
        @{ Case = 'more arguments of the service kubelet'; Do = {
            param($M)
            $M.Services.kubelet.Settings.AppParameters += ' --v=9'
        } }
    ) {
        $m = Get-SettledMachine
        $before = ConvertTo-Json ($m.Firewall, $m.Tasks, $m.Services.kubelet.Settings)
        & $Do $m
        ConvertTo-Json ($m.Firewall, $m.Tasks, $m.Services.kubelet.Settings) | Should -Not -Be $before
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Assert-Whole $m
        $m.Firewall['microcosm-vxlan'] | Should -Be 'Allow Inbound UDP 4789'
        $m.Tasks.Values | Where-Object { $_ -match 'notepad|old' } | Should -BeNullOrEmpty
        $m.Services.kubelet.Settings.Application | Should -BeLike '*\powershell.exe'
        $m.Services.kubelet.Settings.AppParameters | Should -BeLike '*StartKubelet.ps1'
    }
}

Describe 'the node''s certificate' {
    BeforeAll {
        $Pem = 'C:\var\lib\kubelet\pki\kubelet-client-current.pem'
        $RsaKey = [Security.Cryptography.RSA]::Create(2048)
        function Get-Pem([string] $Label, [byte[]] $Bytes) {
            ("-----BEGIN $Label-----`n$([Convert]::ToBase64String($Bytes, 'InsertLineBreaks'))`n-----END " +
                "$Label-----`n")
        }
        function Get-Certificate($M, [double] $Hours) {
            $request = [Security.Cryptography.X509Certificates.CertificateRequest]::new(
                'CN=system:node:windows-0', $RsaKey, 'SHA256',
                    [Security.Cryptography.RSASignaturePadding]::Pkcs1)
            Get-Pem 'CERTIFICATE' $request.CreateSelfSigned($M.Now.AddYears(-2),
                $M.Now.AddHours($Hours)).Export('Cert')
        }
        function Get-Joins($M) { @($M.Log | Where-Object { $_ -like 'kubeadm.exe join*' }).Count }
        function Set-Kubeconfig($M, [string] $Text) {
            # As the kubelet leaves it: it names the file of certificate and key.
            Set-MachineFile $Pem $Text
            $conf = 'C:\etc\kubernetes\kubelet.conf'
            Set-MachineFile $conf "users:`n- user:`n    client-certificate: $Pem`n    client-key: $Pem`n"
            Set-MachineFile 'C:\microcosm\join.sums' "1 files`n$(Get-Sum (Get-MachineFile $conf)) $conf"
            Set-MachineFile 'C:\k\same' 'kubelet kubeconfig'
            Set-Behaviour 'kubectl.exe' {
                param($Words, $Default, $M)
                & $Default ($Words -replace '^--kubeconfig=.*', '--kubeconfig=C:\k\same')
            }
        }
    }
    It 'that has expired while the machine was off makes the node join anew' {
        $m = Get-SettledMachine
        Set-Kubeconfig $m ((Get-Certificate $m 1) + (Get-Pem 'EC PRIVATE KEY' (1..120)))
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Get-Joins $m | Should -Be 1 -Because 'the certificate is still valid'
        $m.Now = $m.Now.AddHours(2)
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Get-Joins $m | Should -Be 2
        Test-Path $Pem | Should -BeFalse
    }
    It 'whose <Case> makes the node join anew' -ForEach @(
        @{ Case = 'key is not there'; Tear = { param($Certificate, $Key) $Certificate } }
        @{ Case = 'key is cut off'; Tear = {
            param($Certificate, $Key)
            $Certificate + $Key.Substring(0, 80)
        } }
        @{ Case = 'key has zeros in it'; Tear = {
            param($Certificate, $Key)
            $Certificate + $Key.Substring(0, 60) + "`0" * 90 + $Key.Substring(150)
        } }
        @{ Case = 'text is cut off'; Tear = {
            param($Certificate, $Key)
            $Certificate.Substring(0, 300) + $Key
        } }
        @{ Case = 'file is empty'; Tear = { '' } }
    ) {
        $m = Get-SettledMachine
        Set-Kubeconfig $m (& $Tear (Get-Certificate $m 9) (Get-Pem 'EC PRIVATE KEY' (1..120)))
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Get-Joins $m | Should -Be 2
    }
    It 'for the network, when it has expired, is asked for again' {
        $m = Get-SettledMachine
        $text = 'client-certificate-data: ' +
            [Convert]::ToBase64String([Text.Encoding]::ASCII.GetBytes((Get-Certificate $m 1)))
        Set-MachineFile 'C:\k\network.kubeconfig' $text
        Set-MachineFile 'C:\microcosm\network.sums' "1 files`n$(Get-Sum $text) C:\k\network.kubeconfig"
        $m.Now = $m.Now.AddHours(2)
        Invoke-AtEveryStart $Node | Should -Be 0 -Because $m.Reports[-1].detail
        Get-MachineFile 'C:\k\network.kubeconfig' | Should -Be 'a kubeconfig'
        Get-Joins $m | Should -Be 1
    }
}
