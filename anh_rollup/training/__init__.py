"""The float reading of tensor programs: torch, gradients, training recipes."""
