"""DECIDE: one module per step, async functions over ports; imports ports and domain only."""
