"""Meet the stores' ports with Azure Cosmos DB; the only place that imports its SDK."""
