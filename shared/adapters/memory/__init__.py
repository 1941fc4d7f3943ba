"""Meet every port in memory: what unit tests stand on, kept to the same contract suite as the real adapters."""
