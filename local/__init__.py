"""The stack on a laptop: stand-ins that speak the real protocols; imports nothing of functions or shared."""
