"""KNOW: values and rules; standard library only; no I/O, no clock, no random, no await."""
