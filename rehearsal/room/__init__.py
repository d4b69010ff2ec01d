"""The machine room: makes the fake cloud's instances real.

It looks at the fake cloud a few times a second. Each Linux instance becomes a machine of its own: a network namespace with
the instance's private address, an overlay of the base image, systemd as PID 1, real cloud-init and the real user-data. Each
Windows instance becomes a namespace with the stand-in in it. What AWS terminates is gone a moment later.

Modules, each using only those before it:
  model, layout, errors            what the room knows of AWS; where it keeps things
  reconcile, imds, dns, firewall   decisions, as plain functions: no root, no network
  cloud                            reads AWS, and tells it what machines did by themselves
  netns, cgroups, relay            the kernel's side, thin
  servers, router                  one VPC: its subnets, resolver, metadata, mirror, registry and AWS endpoint
  elastic_ips                      the way in from the host
  disk, machine, windows           one instance
  clean, room, __main__            all of it
"""
