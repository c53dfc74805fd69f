# The few commands of module Microsoft.PowerShell.Utility that scripts for the module cannot well do without: System.Management.Automation
# alone does not hold them. Only the parameters shown here are known.

function Write-Host {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline, ValueFromRemainingArguments)] [object] $Object,
        [switch] $NoNewline,
        [ConsoleColor] $ForegroundColor
    )
    process {
        $text = "$Object"
        if (-not $NoNewline) { $text += "`n" }
        if ($PSBoundParameters.ContainsKey('ForegroundColor')) { $Host.UI.Write($ForegroundColor, 'Black', $text) }
        else { $Host.UI.Write($text) }
    }
}

function Write-Output {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ValueFromPipeline)] [AllowNull()] [object] $InputObject)
    process { $InputObject }
}

function Select-Object {
    [CmdletBinding()]
    param(
        [Parameter(ValueFromPipeline)] [psobject] $InputObject,
        [Parameter(Position = 0)] [string[]] $Property,
        [string] $ExpandProperty,
        [int] $First = [int]::MaxValue,
        [int] $Skip
    )
    begin { $seen = 0 }
    process {
        $seen++
        if ($seen -le $Skip -or $seen - $Skip -gt $First) { return }
        if ($ExpandProperty) { return $InputObject.$ExpandProperty }
        if (-not $Property) { return $InputObject }
        $chosen = [ordered]@{}
        foreach ($name in $Property) { $chosen[$name] = $InputObject.$name }
        [pscustomobject] $chosen
    }
}

function Sort-Object {
    [CmdletBinding()]
    param(
        [Parameter(ValueFromPipeline)] [psobject] $InputObject,
        [Parameter(Position = 0)] [string] $Property,
        [switch] $Descending
    )
    begin { $all = [System.Collections.Generic.List[object]]::new() }
    process { $all.Add($InputObject) }
    end {
        $key = [Func[object, object]] { param($item) if ($Property) { $item.$Property } else { $item } }
        if ($Descending) { [System.Linq.Enumerable]::OrderByDescending($all, $key) }
        else { [System.Linq.Enumerable]::OrderBy($all, $key) }
    }
}
