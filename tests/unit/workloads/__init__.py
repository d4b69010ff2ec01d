"""The page, the service and the files they ship as."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CCAUTH = ROOT / "workloads" / "ccauth"
WIDGETS = ROOT / "workloads" / "widgets"
