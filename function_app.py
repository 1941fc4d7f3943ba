"""Register the blueprints; everything else lives in functions/ and shared/."""

import azure.durable_functions as df
import azure.functions as func

from functions import authenticate, connect, events, persist, process, query, respond, tools, upkeep
from functions.api import export, health, sessions

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

steps = (connect, authenticate, query, events, process, tools, respond, persist, upkeep)
resources = (health, sessions, export)

for module in (*steps, *resources):
    app.register_functions(module.bp)
