"""Helpers of the tests: a recording engine, the SDK's types as a schema, a simulated destroy."""
