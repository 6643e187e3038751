"""Pure rules: batch, ledger, job, property, claim, game."""
