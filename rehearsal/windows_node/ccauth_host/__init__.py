"""Serve CCAuth's C# under Mono, in place of IIS."""
