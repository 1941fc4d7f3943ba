"""REST, one module per resource; each proves its caller by `_edge` and answers in one shape."""
