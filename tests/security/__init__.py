"""Test each security promise of docs/security.md."""
