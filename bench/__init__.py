"""Measure the program's costs as ratios to a floor that is measured in the same run, in turn, several times.

`python -m bench [names]` or `make bench` runs the measurements and writes docs/evidence/benchmarks.md.
"""
