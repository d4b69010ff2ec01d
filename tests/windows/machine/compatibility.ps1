# compatibility.ps1: what PowerShell 6 and 7 and .NET after 4.7.2 have added, which Windows PowerShell 5.1
# does not know.
# Sources: MicrosoftDocs/PowerShell-Docs 27138b2, reference/docs-conceptual/whats-new (6.0 to 7.5) and the
# cmdlets' pages; .NET API catalogue (dotnet/core, release notes).

$NewTokens = 'AndAnd', 'OrOr', 'QuestionMark', 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot',
'QuestionLBracket'
$NewCmdlets = @(
    'ConvertFrom-Markdown', 'ConvertFrom-SddlString', 'Enable-ExperimentalFeature', 'Get-Error',
    'Get-ExperimentalFeature'
    'Get-MarkdownOption', 'Get-Uptime', 'Join-String', 'Remove-Alias', 'Remove-Service', 'Set-MarkdownOption',
    'Show-Markdown'
    'Start-ThreadJob', 'Switch-Process', 'Test-Json', 'ConvertTo-CliXml', 'ConvertFrom-CliXml',
    'Get-SecureRandom'
    'Get-PSSubsystem', 'Compress-PSResource', 'Install-PSResource'
)
# Parameters that no cmdlet of 5.1 has, and those that some have, by cmdlet.
$NewParameters = @(
    'AsByteStream', 'AsHashtable', 'AllowUnencryptedAuthentication', 'Authentication', 'CustomMethod',
    'DateKind', 'EnumsAsStrings'
    'EscapeHandling', 'FollowRelLink', 'MaximumFollowRelLink', 'MaximumRetryCount', 'NoHeader', 'NoProxy',
    'Parallel', 'PreserveAuthorizationOnRedirect'
    'PreserveHttpMethodOnRedirect', 'Resume', 'RetryIntervalSec', 'SkipCertificateCheck',
    'SkipHeaderValidation', 'SkipHttpErrorCheck'
    'SkipIndex', 'SslProtocol', 'StatusCodeVariable', 'ResponseHeadersVariable', 'Token', 'Form', 'LeafBase',
    'Extension', 'AsUTC'
    'FromUnixTimeSeconds', 'UnixTimeSeconds', 'ThrottleLimit', 'NoEmphasis', 'Environment',
    'ConnectionTimeoutSeconds'
    'OperationTimeoutSeconds', 'HttpVersion', 'UnixSocket', 'DelayInMilliseconds', 'Top', 'Bottom',
    'FollowSymlink', 'ExcludeModule'
)
# Of these cmdlets 5.1 has the parameter.
$Older = @{ ThrottleLimit = '^(Invoke-Command|.*-(Net|Cim|ScheduledTask).*|Restart-Computer|Stop-Computer)$'
    Authentication = 'PSSession|Computer'; Token = 'Transaction' }
$NewNamed = @{
    'Sort-Object' = 'Top', 'Bottom', 'Stable'; 'ConvertFrom-Json' = 'Depth', 'NoEnumerate',
    'AsHashtable'; 'ConvertTo-Json' = 'AsArray', 'EnumsAsStrings'
    'Get-Content' = 'AsByteStream'; 'Get-ChildItem' = 'FollowSymlink'; 'Out-String' = 'NoNewline'
    'Split-Path' = 'LeafBase', 'Extension'
    'New-Item' = 'Encoding'; 'Measure-Object' = 'StandardDeviation',
    'AllStats'; 'Import-Csv' = 'UseQuotes'; 'Export-Csv' = 'UseQuotes', 'QuoteFields'
    'Start-Process' = 'Environment'; 'Invoke-RestMethod' = 'ResponseHeadersVariable',
    'StatusCodeVariable'; 'Write-Host' = 'Bold'
    'Set-Service' = 'Credential', 'SecurityDescriptorSddl',
    'Force'; 'Split-String' = '*'; 'Test-Connection' = 'TargetName', 'TcpPort'
    'Join-Path' = 'Extension'; 'Get-Date' = 'AsUTC',
    'UnixTimeSeconds'; 'Start-Sleep' = 'Duration'; 'Set-Content' = 'AsByteStream'
}
$NewEncodings = 'utf8NoBOM', 'utf8BOM', 'ansi', 'bigendianutf8'
# Members of .NET that came after 4.7.2.
$NewMembers = @(
    'ReadAllTextAsync', 'WriteAllTextAsync', 'ReadAllBytesAsync', 'WriteAllBytesAsync', 'ToHexString',
    'FromHexString', 'ToHexStringLower', 'HashData'
    'ProcessPath', 'ProcessId', 'TickCount64', 'IsWindows', 'IsLinux', 'GetBytesAsync', 'Clamp', 'Fill',
    'ReplaceLineEndings', 'GetRelativePath'
    'EnumerateRunes', 'UnixEpoch', 'CreateTempSubdirectory', 'ResolveLinkTarget', 'CreateSymbolicLink',
    'LinkTarget', 'GetItems', 'Shared', 'IsPathFullyQualified'
    'Chunk', 'TakeLast', 'SkipLast', 'MaxBy', 'MinBy', 'ToHashSet', 'Order', 'WaitForExitAsync',
    'AppendAllBytes', 'KillTree'
)
# Methods whose overload with a second argument is new.
$NewOverloads = @{ Contains = 2; EndsWith = 3; Move = 3; Kill = 1 }

function Get-NewerThan51($Ast, $Tokens) {
    # The texts of a script that Windows PowerShell 5.1 would not take.
    $Tokens | Where-Object { "$($_.Kind)" -in $NewTokens } | ForEach-Object { "token $($_.Text)" }
    foreach ($node in $Ast.FindAll({ $true }, $true)) {
        switch ($node.GetType().Name) {
            'TernaryExpressionAst' { "ternary $($node.Extent.Text)" }
            'PipelineChainAst' { "chain $($node.Extent.Text)" }
            'MemberExpressionAst' {
                if ($node.NullConditional -or "$($node.Member)" -in $NewMembers) {
                    "member $($node.Extent.Text)"
                }
            }
            'InvokeMemberExpressionAst' {
                $least = $NewOverloads["$($node.Member)"]
                if ($node.NullConditional -or "$($node.Member)" -in $NewMembers -or
                    ($least -and $node.Arguments.Count -ge $least)) {
                    "method $($node.Extent.Text)"
                }
            }
            'IndexExpressionAst' { if ($node.NullConditional) { "index $($node.Extent.Text)" } }
            'NamedBlockAst' { if ("$($node.BlockKind)" -eq 'Clean') { 'a clean block' } }
            'CommandAst' {
                $name = $node.GetCommandName()
                if ($name -in $NewCmdlets -or $name -eq 'clean') { "cmdlet $name" }
                foreach ($parameter in $node.CommandElements | Where-Object {
                    $_.GetType().Name -eq 'CommandParameterAst'
                }) {
                    $word = $parameter.ParameterName
                    $known = $Older.ContainsKey($word) -and $name -match $Older[$word]
                    if (($word -in $NewParameters -and -not $known) -or
                        ($name -and $NewNamed.ContainsKey($name) -and $word -in $NewNamed[$name])) {
                        "parameter $name -$word"
                    }
                }
                foreach ($element in $node.CommandElements) {
                    if ($element.Extent.Text.Trim("'`"") -in $NewEncodings) {
                        "encoding $($element.Extent.Text)"
                    }
                }
            }
        }
    }
}
