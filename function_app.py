"""Register the blueprints; everything else lives in functions/ and shared/."""

import azure.durable_functions as df
import azure.functions as func

from functions import authenticate, connect, events, persist, process, query, respond, tools, upkeep
from functions._start import check_settings
from functions.api import export, health, me, messages, prompt, questions, security_events, servers, sessions, usage

# isort: split
from functions.api import group_messages, groups, members, people, sign_out

# Here and not at the first event: a faulty deployment is to fail as a whole, and say why.
check_settings()
app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (connect, authenticate, query, events, process, tools, respond, persist, upkeep):
    app.register_functions(module.bp)
for module in (export, health, me, messages, prompt, servers, sessions, questions, security_events, usage):
    app.register_functions(module.bp)
for module in (groups, group_messages, members, people, sign_out):
    app.register_functions(module.bp)
