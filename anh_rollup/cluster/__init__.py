"""Work on a Ray cluster: closures are executed, and samples evaluated. `bridge` alone imports ray."""
