"""The query language: text to tokens, tokens to a tree, a tree to a function over documents. No I/O in here."""
