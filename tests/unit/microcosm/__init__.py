"""Tests of the operator's command, one file a module."""
