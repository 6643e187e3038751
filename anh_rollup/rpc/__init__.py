"""The L2's JSON-RPC: what wallets and scripts talk to."""
