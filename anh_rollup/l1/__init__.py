"""Access to L1: client, transaction sender, event reader, one wrapper for each contract."""
