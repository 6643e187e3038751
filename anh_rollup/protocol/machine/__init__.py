"""The ledger as a machine of small steps, each of which L1 can take by itself (docs/ledger-claims.md)."""
