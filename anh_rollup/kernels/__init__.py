"""Compiled code, and threads that run it: what evaluation and hashing share."""
