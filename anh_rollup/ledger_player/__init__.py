"""Who claims the ledger and who checks it: the same strategy, for accountants and for challengers."""
