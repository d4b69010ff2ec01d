"""Tests of the PowerShell of the product, run by PowerShell itself with Pester on a model of a Windows
Server.

run.ps1         the tests of *.Tests.ps1; Machine.psm1 is the model
product.py      the scripts as machines get them, and the inputs of the runs that Python tests look at
pester.py       starts PowerShell once for a run of pytest, and hands out its results
"""
