"""Test each security promise of docs/guide/security.md."""
