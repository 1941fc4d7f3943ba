"""The durable engine of the local host: event-sourced orchestrations over one SQLite file.

It speaks the JSON protocol of azure-functions-durable 1.x as the durable extension does, runs one episode
at a time per instance, and survives the death of its process at any moment. What it does not know it
refuses by name. Facts about the real behaviour come from the sources of the extension
(Azure/azure-functions-durable-extension 2.13) and of the Durable Task Framework (Azure/durabletask).
"""
