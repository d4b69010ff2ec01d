"""What the tests share: an engine that records, the SDK's own types as a schema, a simulated destroy."""
