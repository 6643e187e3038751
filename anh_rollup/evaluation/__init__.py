"""The exact reading of tensor programs: backends that all give the same bytes."""
