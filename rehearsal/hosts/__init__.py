"""Run a real machine for each instance of the fake cloud: the machine host.

The host polls the fake cloud a few times a second. Each Linux instance becomes a machine: a network namespace
with the instance's private address, an overlay of the base image, systemd as PID 1, the real cloud-init and
the real user-data. Each Windows instance becomes a namespace that runs the stand-in. A terminated instance is
removed a moment later.

    python -m rehearsal.hosts --aws-endpoint URL --root FOLDER --artifacts FOLDER --registry FOLDER    runs it
    python -m rehearsal.hosts exec NODE -- COMMAND    runs a command in a machine
    python -m rehearsal.hosts clean                   removes the remains of a killed host
"""
