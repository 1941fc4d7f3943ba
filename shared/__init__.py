"""The product without its triggers: domain < ports, wire, settings < flow, adapters < bootstrap; arrows point left."""
