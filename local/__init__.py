"""Everything on your own machine: set-up, the local AWS, the simulators, the sample.

`local.setup` and `local.progress` run before anything is installed: standard library only.
"""
