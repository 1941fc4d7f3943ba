"""TRANSLATE: a trigger's bytes to a flow's call to a binding's bytes; one module per step.

1 connect, 2 authenticate, 3 query, 4 process, 5 tools, 6 respond, 7 persist; `api` is REST, `upkeep` the timers.
"""
