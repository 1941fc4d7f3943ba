"""Telemetry: what takes operations, and what sends them."""
