"""Figures, printed: each module measures one thing and is run by `python -m bench NAME`."""
