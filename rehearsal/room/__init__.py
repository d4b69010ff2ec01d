"""The machine room: makes the fake cloud's instances real.

It looks at the fake cloud a few times a second. Each Linux instance becomes a machine of its own: a network namespace with
the instance's private address, an overlay of the base image, systemd as PID 1, real cloud-init and the real user-data. Each
Windows instance becomes a namespace with the stand-in in it. What AWS terminates is gone a moment later.

Modules, each using only those before it:
  errors, model, layout, record     what the room knows of AWS; where it keeps things; what it tells others
  reconcile, imds, dns, firewall    decisions, as plain functions: no root, no network
  cloud, known                      reads AWS, and tells it what machines did by themselves
  host, netns, cgroups, relay       the kernel's side, thin
  servers, router, vpcs             a VPC: its subnets, resolver, metadata, mirror, registry and AWS endpoint
  elastic_ips                       the way in from the host
  disk, machine, linux, windows     an instance; boot-machine.sh and step-into-groups.sh become it
  clean, room, __main__             all of it

    python -m rehearsal.room --aws-endpoint URL --root FOLDER --artifacts FOLDER --registry FOLDER    runs it
    python -m rehearsal.room exec NODE -- COMMAND    looks into a machine
    python -m rehearsal.room clean                   removes what a killed room left
"""
