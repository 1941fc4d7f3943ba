"""The Azure Functions host of the local stack: loads a Python v2 app by the real worker's rules.

It may import the standard library, aiohttp and Microsoft's SDKs; never `functions` or `shared`:
the app reaches it only as the module `function_app` that it loads from the app folder.
"""
