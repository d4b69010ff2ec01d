"""What the program costs, as ratios: each figure is measured beside its own floor, in one run, in turn, several times.

Modules, each using only those before it:
  samples, comparison      what a run of a command costs, and what two series of runs say together
  document                 the figures' places in docs/benchmarks.md
  workbench                a fake cloud and the real engine, for the length of a block
  bare, bare_program       the same resources without the program: the floor
  declaring                the program against Pulumi's mocks, in a fresh interpreter
  engine, growth, startup, memory, user_data, scale, bringup     one measurement each

`python -m bench [names]`, or `make bench`, runs them and writes what they found.
"""
