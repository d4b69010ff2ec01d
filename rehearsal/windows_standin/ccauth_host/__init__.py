"""CCAuth's own C# under Mono: the stand-in for IIS on the stand-in for a Windows node."""
