"""Tries the pipeline's role: with its policy every command of a preview works, without any one of its
permissions some command fails.

A permission is an action of a grant (microcosm/preview/pipeline_grants.py). The first life of a preview, with
all of them, tells which command first needs which. Then the same commands run with one permission missing,
each time another, and must fail by its name. The engine, the program and the command are real; the cloud is
moto with this project's IAM, the machines are faked.

Modules:
  permission    one action of one grant, and the policy without it
  pipeline      the role, and the commands that it runs
  trial         which command needs what, and the proof
  report        what docs/guide/previews.md says of it
"""
