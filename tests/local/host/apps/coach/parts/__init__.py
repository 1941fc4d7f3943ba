"""Blueprints of the sample app."""
