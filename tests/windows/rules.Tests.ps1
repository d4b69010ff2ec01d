# rules.Tests.ps1: what PowerShell's own parser says of every script of the product, and of those that it
# renders.

BeforeDiscovery {
    $Product = $env:PRODUCT
    $scripts = @(Get-ChildItem "$Product/files/*.ps1") + (Get-ChildItem "$Product/logs/*.ps1") +
        (Get-ChildItem "$Product/userdata/*.ps1")
    $scripts += Get-Item "$Product/windows_exec.ps1"
    $All = $scripts | ForEach-Object {
        @{ Name = $_.FullName.Substring($Product.Length + 1); Path = $_.FullName }
    }
    $Files = $All | Where-Object { $_.Name -like 'files*' }
    $Hostile = [IO.File]::ReadAllText("$Product/hostile.json") |
        Microsoft.PowerShell.Utility\ConvertFrom-Json -AsHashtable |
        ForEach-Object { @{ Value = $_.value; Script = $_.script } }
}
BeforeAll {
    . (Join-Path $PSScriptRoot 'machine/compatibility.ps1')
    function Get-Ast([string] $Text) {
        $tokens, $errors = $null, $null
        $ast = [Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $errors)
        @{ Ast = $ast; Tokens = $tokens; Errors = $errors }
    }
    $Seen = @{}   # every node of a tree by its type, looked for once
    function Find-Node($Ast, [string] $Type) {
        $key = [Runtime.CompilerServices.RuntimeHelpers]::GetHashCode($Ast)
        if (-not $Seen.ContainsKey($key)) {
            $Seen[$key] = @{}
            foreach ($node in $Ast.FindAll({ $true }, $true)) {
                $name = $node.GetType().Name
                if (-not $Seen[$key].ContainsKey($name)) {
                    $Seen[$key][$name] = [Collections.Generic.List[object]]::new()
                }
                $Seen[$key][$name].Add($node)
            }
        }
        if ($Seen[$key].ContainsKey($Type)) { $Seen[$key][$Type] }
    }
    function Get-Functions($Ast) {
        $found = [ordered] @{}
        foreach ($node in Find-Node $Ast 'FunctionDefinitionAst') { $found[$node.Name] = $node }
        $found
    }
    $NodeText = [IO.File]::ReadAllText((Join-Path $env:PRODUCT 'node.ps1'))
    $BootText = [IO.File]::ReadAllText((Join-Path $env:PRODUCT 'bootstrap.ps1'))
    $NodeAst, $BootAst = (Get-Ast $NodeText).Ast, (Get-Ast $BootText).Ast
    # Cmdlets of Windows PowerShell 5.1 and of the modules on the AMI; a new name here is a decision.
    $Cmdlets = [IO.File]::ReadAllLines((Join-Path $PSScriptRoot 'machine/cmdlets.txt')) -notlike '#*'
    # Functions that may start a program themselves: each looks at its exit code, or is nothing but that
    # program.
    $Starters = 'Invoke-Native', 'Start-Kubelet', 'Protect-Root', 'Set-LogField'
}

Describe '<Name>' -ForEach $All {
    BeforeAll {
        $text = [IO.File]::ReadAllText($Path)
        $parsed = Get-Ast $text
        $ast = $parsed.Ast
    }
    It 'is what PowerShell parses, in ASCII and without tabs' {
        $parsed.Errors | Should -BeNullOrEmpty
        $text | Should -Not -Match '[^\x00-\x7f]' -Because ('5.1 reads a file without a byte order mark ' +
            'as ANSI')
        $text | Should -Not -Match "`t"
    }
    It 'has nothing that came after Windows PowerShell 5.1 and .NET 4.7.2' {
        Get-NewerThan51 $ast $parsed.Tokens | Should -BeNullOrEmpty
    }
    It 'does not swallow a colon into the name of a variable' {
        # `$name:` in a string is a variable of the drive `name`, and empty; it takes ${name}: to mean the
        # two.
        $wrong = Find-Node $ast 'VariableExpressionAst' |
            Where-Object {
                $_.VariablePath.DriveName -and $_.VariablePath.DriveName -notin 'env', 'global', 'script',
                'function'
            }
        $wrong | Should -BeNullOrEmpty
    }
    It 'turns no text into code' {
        $names = (Find-Node $ast 'CommandAst').GetCommandName()
        $names | Should -Not -Contain 'Invoke-Expression'
        $members = Find-Node $ast 'InvokeMemberExpressionAst' | ForEach-Object { "$($_.Member)" }
        foreach ($name in 'Create', 'InvokeScript', 'NewScriptBlock', 'AddScript', 'ExpandString') {
            $members | Should -Not -Contain $name
        }
        $parameters = (Find-Node $ast 'CommandParameterAst').ParameterName
        $parameters | Where-Object { $_ -in 'EncodedCommand', 'Command' } | Should -BeNullOrEmpty
    }
}

Describe 'the file <Name>' -ForEach $Files {
    BeforeAll { $text = [IO.File]::ReadAllText($Path); $ast = (Get-Ast $text).Ast }
    It 'says first what it is, in lines of at most 110 characters' {
        ($text -split "`n" | Measure-Object -Property Length -Maximum).Maximum | Should -BeLessOrEqual 110
        if ($Name -notlike '*start.ps1') {
            ($text -split "`n")[0] | Should -BeLike "# $(Split-Path -Leaf $Name): *"
        }
    }
    It 'has short functions' {
        foreach ($function in (Get-Functions $ast).GetEnumerator()) {
            ($function.Value.Extent.Text -split "`n").Count | Should -BeLessOrEqual 30 -Because $function.Key
        }
    }
    It 'starts programs where their exit code is looked at' {
        foreach ($function in (Get-Functions $ast).GetEnumerator()) {
            $starts = @(Find-Node $function.Value 'CommandAst' | Where-Object {
                $_.InvocationOperator -eq 'Ampersand' -and
                    $_.CommandElements[0].Extent.Text -notmatch
                    '^\$(Phase\.\w+|Condition|Change|Action|Work|Do|Write)$|PrepareNode'
            })
            # that prints what a command says, its errors too
            if (-not $starts -or $Name -like '*logs.ps1') { continue }
            $function.Key | Should -BeIn $Starters -Because "it starts $($starts[0].Extent.Text)"
            $function.Value.Extent.Text | Should -Match '\$LASTEXITCODE'
        }
    }
}

Describe 'the node''s script' {
    It 'calls its own functions and known cmdlets: <Name>' -ForEach @{ Name = 'node.ps1' },
        @{ Name = 'bootstrap.ps1' } {
        $ast = if ($Name -eq 'node.ps1') { $NodeAst } else { $BootAst }
        $used = (Find-Node $ast 'CommandAst').GetCommandName() |
            Where-Object { $_ -and $_ -notmatch '^C:\\' } | Sort-Object -Unique
        $used | Where-Object {
            $_ -notin $Cmdlets -and $_ -notin (Get-Functions $ast).Keys
        } | Should -BeNullOrEmpty
    }
    It 'has no function that is not called' {
        $used = (Find-Node $NodeAst 'CommandAst').GetCommandName()
        # Their text is written to a file, or PrepareNode.ps1 calls them.
        $named = Find-Node $NodeAst 'StringConstantExpressionAst' | ForEach-Object Value
        (Get-Functions $NodeAst).Keys |
            Where-Object {
                $_ -notin $used -and $_ -notin $named -and $_ -ne 'curl.exe'
            } | Should -BeNullOrEmpty
    }
    It 'lets files in by the functions that check their sum' {
        function Get-Callers($Ast, [string] $Command, [string] $Parameter) {
            foreach ($function in (Get-Functions $Ast).GetEnumerator()) {
                foreach ($call in Find-Node $function.Value 'CommandAst' | Where-Object {
                    $_.GetCommandName() -eq $Command
                }) {
                    if (-not $Parameter -or $call.CommandElements.ParameterName -contains $Parameter) {
                        $function.Key
                    }
                }
            }
        }
        Get-Callers $NodeAst 'Invoke-WebRequest' 'OutFile' | Sort-Object -Unique |
            Should -BeIn 'Save-Artifact', 'Receive-Artifact'
        @(Get-Callers $NodeAst 'Invoke-WebRequest' 'OutFile').Count | Should -Be 1
        @(Get-Callers $BootAst 'Read-S3Object').Count | Should -Be 1
    }
    It 'writes text by New-Item, which writes no byte order mark, and by no redirection' {
        foreach ($ast in $NodeAst, $BootAst) {
            (Find-Node $ast 'FileRedirectionAst') | Should -BeNullOrEmpty
            (Find-Node $ast 'CommandAst').GetCommandName() |
                Where-Object { $_ -in 'Set-Content', 'Out-File', 'Add-Content' } | Should -BeNullOrEmpty
        }
    }
    It 'uses in the conditions of a wait no name of the function that calls them' {
        # A script block sees its caller's variables first: `$found` in a condition would be Wait-Until's.
        $functions = Get-Functions $NodeAst
        $own = @('Wait-Until')
        $inner = foreach ($name in $own) {
            (Find-Node $functions[$name] 'VariableExpressionAst') |
                ForEach-Object { $_.VariablePath.UserPath }
        }
        $blocks = Find-Node $NodeAst 'CommandAst' | Where-Object { $_.GetCommandName() -in $own } |
            ForEach-Object { Find-Node $_ 'ScriptBlockExpressionAst' }
        @($blocks).Count | Should -BeGreaterThan 5
        $used = $blocks | ForEach-Object {
            Find-Node $_ 'VariableExpressionAst'
        } | ForEach-Object { $_.VariablePath.UserPath } | Sort-Object -Unique
        $used | Where-Object {
            $_ -in $inner -and $_ -notin '_', 'null', 'true', 'false'
        } | Should -BeNullOrEmpty
    }
    It 'has a phase of its own exit code for each row of the table, other than bootstrap''s' {
        $table = Find-Node $NodeAst 'AssignmentStatementAst' |
            Where-Object { $_.Left.Extent.Text -eq '$Phases' }
        $codes = @(Find-Node $table 'HashtableAst' | ForEach-Object { $_.KeyValuePairs } |
                Where-Object {
                    $_.Item1.Extent.Text -eq 'ExitCode'
                } | ForEach-Object { $_.Item2.Extent.Text })
        $codes.Count | Should -Be 9
        $codes | Sort-Object -Unique | Should -HaveCount 9
        $codes | ForEach-Object { [int] $_ | Should -BeGreaterThan 9 }
        $BootText | Should -Match '\$ExitBootstrap = 9\b'
    }
    It 'explains every input that bootstrap.ps1 hands on' {
        $names = Find-Node $BootAst 'AssignmentStatementAst' |
            Where-Object { $_.Left.Extent.Text -eq '$InputNames' } |
            ForEach-Object { Find-Node $_ 'StringConstantExpressionAst' } | ForEach-Object Value
        $names.Count | Should -BeGreaterThan 10
        $header = $NodeText.Substring($NodeText.IndexOf('# Inputs (assigned by bootstrap.ps1'))
        $header = $header.Substring(0, $header.IndexOf('# --- where things are'))
        foreach ($name in $names) { $header | Should -Match "\b$name\b" }
    }
    It 'has its JSON texts in double quotes and complete' {
        $texts = Find-Node $NodeAst 'StringConstantExpressionAst' |
            Where-Object { $_.StringConstantType -like '*HereString' -and $_.Value.StartsWith('{') }
        @($texts).Count | Should -Be 3
        foreach ($text in $texts) {
            {
                $text.Value -replace '@[A-Z_]+@', 'x' | ConvertFrom-Json -ErrorAction Stop
            } | Should -Not -Throw
        }
    }
}

Describe 'a hostile value' {
    It 'is one literal of PowerShell that holds just it: <Value>' -ForEach $Hostile {
        $parsed = Get-Ast $Script
        $parsed.Errors | Should -BeNullOrEmpty
        $assignments = @($parsed.Ast.EndBlock.Statements | Select-Object -First 3)
        $assignments[0].Right.Expression.SafeGetValue() | Should -BeExactly $Value
        @($assignments[1].Right.Expression.SafeGetValue())[0] | Should -BeExactly $Value
        @($assignments[2].Right.Expression.SafeGetValue().Values)[0] | Should -BeExactly $Value
        $own = (Find-Node $BootAst 'CommandAst').Count
        @(Find-Node $parsed.Ast 'CommandAst').Count |
            Should -Be $own -Because 'nothing runs but the product''s own script'
    }
}

Describe 'the table of what is newer than 5.1' {
    It 'notices <Text>' -ForEach @(
        '$a ? 1 : 2', '$a ?? 1', '$a ??= 1', '${a}?.b', '${a}?[0]', 'a && b', 'a || b',
        'Get-Content x -AsByteStream', 'Invoke-WebRequest x -SkipHttpErrorCheck'
        'ConvertFrom-Json x -AsHashtable', '1 | ForEach-Object -Parallel { 1 }', 'Get-Error', 'Test-Json x',
        'Join-String', 'Remove-Service x', 'Get-Uptime'
        '[IO.File]::ReadAllTextAsync("x")', '[Convert]::ToHexString($b)', '[Environment]::ProcessPath',
        '[string]::Join("a", $b).Contains("x", "Ordinal")', 'clean { }'
        'Split-Path -LeafBase x', 'Set-Content x -Encoding utf8NoBOM',
        '[Security.Cryptography.SHA256]::HashData($b)', '"a" -split "b" | Select-Object -SkipIndex 1'
    ) {
        $parsed = Get-Ast $_
        Get-NewerThan51 $parsed.Ast $parsed.Tokens | Should -Not -BeNullOrEmpty
    }
    It 'leaves 5.1 alone' {
        $parsed = Get-Ast ('Get-Content -Raw -Encoding UTF8 -Path x; $a.Contains("x"); [Math]::Min(1, 2); ' +
            'if ($a -and $b) { "?" }')
        Get-NewerThan51 $parsed.Ast $parsed.Tokens | Should -BeNullOrEmpty
    }
}
