# aws.ps1: SSM, S3, the instance metadata service, and HTTP.

function Assert-Metadata {
    # The role's credentials come from the metadata service, so no cmdlet of AWS works without the way there.
    if (-not (Test-Route $Metadata)) {
        throw 'No credentials specified or obtained from persisted/shell defaults.'
    }
}

function Get-MetadataValue([string] $Name) {
    # $M.Silent: what is not answered. $M.Answers: those that come before the true ones; 'error' is none.
    if ($Name -in $M.Silent) { throw 'The remote server returned an error: (404) Not Found.' }
    if ($Name -eq 'instance-id' -and $M.Answers.Count) {
        $answer, $M.Answers = $M.Answers[0], @($M.Answers | Select-Object -Skip 1)
        if ($answer -eq 'error') { throw 'Unable to connect to the remote server' }
        return $answer
    }
    switch ($Name) {
        'instance-id' { return $M.Instance }
        'local-ipv4' { return $M.NodeIp }
    }
    throw 'The remote server returned an error: (404) Not Found.'
}

$Behaviours['Get-EC2InstanceMetadata'] = {
    param($Given)
    if (-not (Test-Route $Metadata)) { Write-Error 'Unable to connect to the remote server'; return }
    $names = @{ InstanceId = 'instance-id'; LocalIpv4 = 'local-ipv4' }
    try {
        Get-MetadataValue $(if ($Given.Path) { $Given.Path.TrimStart('/') } else {
            $names["$($Given.Category)"]
        })
    }
    catch { Write-Error "$_" }
}
$Behaviours['Get-SSMParameter'] = {
    param($Given)
    Assert-Metadata
    if (-not $M.Parameters.ContainsKey($Given.Name)) { throw "ParameterNotFound: $($Given.Name)" }
    [pscustomobject] @{ Name = $Given.Name; Value = $M.Parameters[$Given.Name] }
}
$Behaviours['Write-SSMParameter'] = {
    param($Given)
    Assert-Metadata
    # A standard parameter holds 4 KB, and no value names another parameter (AWS, PutParameter; CDK,
    # IStringParameter).
    if ($Given.Value.Length -gt 4096) {
        throw ('ValidationException: Standard tier parameters support a maximum parameter value of 4096 ' +
            'characters.')
    }
    if ($Given.Value -match '\{\{') {
        throw 'ValidationException: Parameter value can''t nest another parameter.'
    }
    if (-not $Given.Value) { throw 'ValidationException: Value must not be empty.' }
    if ($M.Parameters.ContainsKey($Given.Name) -and -not $Given.Overwrite) { throw 'ParameterAlreadyExists' }
    if (-not $Given.Type) {
        throw 'ValidationException: A parameter type is required when you create a parameter.'
    }
    $M.Parameters[$Given.Name] = $Given.Value
    $M.Reports += ConvertFrom-Json $Given.Value
    $M.ReportedAt += $M.Now
    1
}
$Behaviours['Read-S3Object'] = {
    param($Given)
    Assert-Metadata
    $object = "s3://$($Given.BucketName)/$($Given.Key)"
    if (-not $M.Web.ContainsKey($object)) { throw 'Access Denied' }
    Write-MachineFile $Given.File { Set-MachineFile $Given.File $M.Web[$object] }
}

function Test-Answer([string] $Url) {
    # The health pages of flanneld and kube-proxy on the machine itself.
    if ($Url -match ':8081/') {
        return $M.HnsNetwork -and (Test-Running 'flanneld') -and (Test-FlanneldInput)
    }
    if ($Url -match ':10256/') {
        return $M.HnsNetwork -and (Test-Running 'kube-proxy') -and (Test-KubeProxyInput)
    }
    $false
}

$Behaviours['Invoke-WebRequest'] = {
    param($Given)
    $url = "$($Given.Uri)"
    if ($Given.OutFile) {
        if (-not $M.Web.ContainsKey($url)) { throw "Unable to connect to the remote server: $url" }
        Write-MachineFile $Given.OutFile { Set-MachineFile $Given.OutFile $M.Web[$url] }
        return
    }
    if (-not (Test-Answer $url)) { throw "Unable to connect to the remote server: $url" }
    [pscustomobject] @{ StatusCode = 200; Content = 'ok' }
}
$Behaviours['Invoke-RestMethod'] = {
    param($Given)
    # IMDSv2: a token first (AWS, "Use the Instance Metadata Service"; IMDSv1 is off on our machines).
    $url = "$($Given.Uri)"
    if ($url -notmatch '^http://169\.254\.169\.254/latest/') {
        throw "Unable to connect to the remote server: $url"
    }
    if (-not (Test-Route $Metadata)) { throw 'Unable to connect to the remote server' }
    if ($url -match '/api/token$') {
        if ($Given.Method -ne 'Put' -or -not $Given.Headers['X-aws-ec2-metadata-token-ttl-seconds']) {
            throw 'The remote server returned an error: (400)'
        }
        return 'a token'
    }
    if ($Given.Headers['X-aws-ec2-metadata-token'] -ne 'a token') {
        throw 'The remote server returned an error: (401) Unauthorized.'
    }
    Get-MetadataValue ($url -replace '.*/meta-data/')
}
