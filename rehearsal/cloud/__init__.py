"""The fake cloud: a moto server that also refuses what AWS refuses and moto accepts, where this project depends on it.

A stand-in for AWS, never AWS itself. `python -m rehearsal.cloud` runs it; `rehearsal.cloud.process` starts and stops it.
"""
