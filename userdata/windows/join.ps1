# join.ps1: the way into the cluster, and what the node is in it.

$JoinWaitSeconds = 2400
$BootstrapKubeconfig = 'C:\etc\kubernetes\bootstrap-kubelet.conf'

function Wait-Rendezvous([string] $Document, [string[]] $Names) {
    # What an earlier control plane wrote is not believed, and a token that has expired is about to be
    # replaced. The text itself is in no message: it holds secrets.
    Wait-Until "/microcosm/$StackName/$Document of $ControlPlaneInstanceId" $JoinWaitSeconds {
        $text = (Get-SSMParameter -Name "/microcosm/$StackName/$Document" -WithDecryption $true -Region $Region).Value
        $value = try { $text | ConvertFrom-Json } catch { throw 'the control plane has not written it yet' }
        foreach ($name in @('instance') + $Names) {
            Assert-That ([bool] ($value.PSObject.Properties[$name] -and $value.$name)) "it has no $name"
        }
        Assert-That ($value.instance -eq $ControlPlaneInstanceId) "it is of $($value.instance)"
        $expires = $value.PSObject.Properties['expires']
        if ($expires -and [DateTimeOffset]::Parse($expires.Value) -le (Get-Date)) { throw "its token has expired, at $($expires.Value)" }
        $value
    }
}

function Reset-Join {
    # kubeadm refuses to join over the files of an attempt that did not end; one of them holds the token.
    Stop-OneService 'kubelet'
    Remove-File $JoinLeftovers
}

function Confirm-Certificate {
    # kubelet.conf names the file that the kubelet renews. Expired while the machine was off, or torn, it
    # cannot be renewed.
    if ((Read-TextFile $KubeletKubeconfig) -notmatch 'client-certificate:\s*"?([^"\r\n]+)"?') { return }
    $path = $Matches[1].Trim()
    $found = (Read-TextFile $path) -match '(?s)-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----'
    Assert-That $found "$path holds no certificate"
    [byte[]] $bytes = [Convert]::FromBase64String(($Matches[1] -replace '\s'))
    $end = [Security.Cryptography.X509Certificates.X509Certificate2]::new($bytes).NotAfter
    Assert-That ($end -gt (Get-Date)) "the certificate in $path has expired, at $('{0:u}' -f $end)"
}

function Confirm-Joined {
    Confirm-Manifest 'join'
    Confirm-Certificate
}

function Invoke-Join {
    $join = Wait-Rendezvous 'join' 'endpoint', 'token', 'caCertHash'
    Reset-Join
    try {
        $values = @{ API_ENDPOINT = $join.endpoint; TOKEN = $join.token; CA_HASH = $join.caCertHash }
        Write-TextFile $JoinFile (Expand-Token $JoinConfiguration $values)
        Write-Log (Invoke-Native 'C:\k\kubeadm.exe' $KubeadmArguments)
        Wait-Until $KubeletKubeconfig 120 { Test-Path $KubeletKubeconfig } | Out-Null
    }
    catch {
        $problem = "$_"
        try { Reset-Join } catch { Write-Log "$_" }
        throw $problem
    }
    finally { Remove-File $JoinFile }
    Save-Manifest 'join' @($JoinedFiles | Where-Object { Test-Path $_ })
}

function Join-Cluster {
    try { Confirm-Manifest 'network' }
    catch {
        # Now, while the machine can still reach its role's credentials: the container network breaks the way
        # there.
        Write-TextFile $NetworkKubeconfig (Wait-Rendezvous 'windows-network' 'kubeconfig').kubeconfig
        Save-Manifest 'network' $NetworkKubeconfig
    }
    $lack = try { Confirm-Joined } catch { "$_" }
    if ($lack) { Write-Log "it joins: $lack"; Invoke-Join }
    Remove-File $BootstrapKubeconfig   # of a join that was cut off; it holds the token
    Set-Service -Name kubelet -StartupType Automatic
    Start-OneService 'kubelet'
}

function Confirm-Join {
    Confirm-Manifest 'network'
    Confirm-Joined
    Assert-That (-not (Test-Path $BootstrapKubeconfig)) "$BootstrapKubeconfig is left, with a token"
    Confirm-Service 'kubelet'
}

function Get-Node {
    $arguments = @("--kubeconfig=$KubeletKubeconfig", '--request-timeout=30s', 'get', 'node', $NodeName, '--output=json')
    Invoke-Native 'C:\k\kubectl.exe' $arguments | ConvertFrom-Json
}

function Get-PodSubnet {
    $subnet = (Get-Node).spec.PSObject.Properties['podCIDR']
    Assert-That ([bool] $subnet) "the control plane has given the node $NodeName no podCIDR yet"
    $subnet.Value
}

function Confirm-Ready {
    foreach ($name in $Services) { Confirm-Service $name }
    $ready = (Get-Node).status.conditions | Where-Object { $_.type -eq 'Ready' }
    Assert-That ([bool] $ready) "the node $NodeName has no condition Ready yet"
    $message = $ready.PSObject.Properties['message']
    Assert-That ($ready.status -eq 'True') "its condition Ready is $($ready.status): $(if ($message) { $message.Value })"
}

function Wait-Ready {
    Wait-Until "node $NodeName that is Ready" 600 { Confirm-Ready; $true } | Out-Null
}
