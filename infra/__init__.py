"""Declare what the stack has on AWS and in Kubernetes; cluster.py puts it together in boot order."""
