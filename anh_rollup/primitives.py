"""Distinct number and byte types, checked where bytes enter."""
