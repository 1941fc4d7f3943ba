"""TALK: one vendor or library per module, each behind a port; no adapter imports another."""
