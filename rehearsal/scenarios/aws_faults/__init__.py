"""The sweep of AWS faults: every call of an `up` and of a `destroy` fails, in each way in which
calls fail; then it must go on.

The engine, the program, its provider's calls, the gate and the state backend are real; AWS is the fake cloud
and the machines are faked (rehearsal/simulated): stand-ins. `make faults-aws` runs it and writes
docs/evidence/reliability.md.

Modules, each using only those before it:
  series        the table of series: which way of failing, in what manner
  drive         one world: runs commands under a plan of faults, compares state and cloud, repairs
  play          a series from `up` to an empty account, and what became of it
  sweep         many series, side by side
  report        the results as Markdown
"""
