"""A local Azure Web PubSub: REST data plane, client WebSockets, CloudEvents; imports nothing of the app."""
