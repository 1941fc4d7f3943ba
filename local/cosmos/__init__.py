"""A small Cosmos DB (NoSQL API, gateway mode, plain HTTP) on SQLite; imports the standard library and aiohttp.

It serves the operations that SalesCoach and the official SDK's basic use need and refuses the rest by name
with 501. `docs/local-stack/cosmos.md` lists both.
"""
