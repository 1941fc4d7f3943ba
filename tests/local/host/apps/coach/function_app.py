"""A sample app with one function of each kind that the local host serves."""

import azure.durable_functions as df
from parts import durable, events, http, outputs, schedule

app = df.DFApp()
for blueprint in (http.bp, events.bp, durable.bp, outputs.bp, schedule.bp):
    app.register_functions(blueprint)
