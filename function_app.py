"""Register the blueprints; everything else lives in functions/ and shared/."""

import azure.durable_functions as df
import azure.functions as func

from functions import authenticate, connect, persist, process, query, respond, tools, upkeep
from functions.api import health, sessions

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (connect, authenticate, query, process, tools, respond, persist, upkeep, health, sessions):
    app.register_functions(module.bp)
