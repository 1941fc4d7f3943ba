"""SAY: the JSON of clients, REST and stored documents; the only home of dicts."""
