"""The supervisor of the local stack, and what must be installed before it can start.

`command`, `preflight`, `ports`, `places` and the installers run in any Python 3.11+ without packages;
the rest runs in the virtual environment that they make.
"""
