"""What Microcosm promises of security, each promise tried: docs/security.md lists them with the test that holds each."""
