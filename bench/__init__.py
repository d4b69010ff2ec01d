"""What the program costs, as ratios: each figure is measured beside its own floor, in one run, in turn, several times.

Modules, each using only those before it:
  settings, samples, comparison    what a run of a command costs, and what two series of runs say together
  document                         the figures' places in docs/benchmarks.md
  workbench, calls                 a fake cloud and the real engine for the length of a block, and a count of what is asked of the cloud
  bare, bare_program               the program's own resources without the program: the floor
  declaring                        the program against Pulumi's mocks, in a fresh interpreter
  engine, growth, startup, user_data, bringup, scale     one measurement each

`python -m bench [names]`, or `make bench`, runs them and writes what they found.
"""
