"""The web client's own static server; it serves files and knows where the API is, nothing else."""
