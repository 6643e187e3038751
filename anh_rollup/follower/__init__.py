"""The follower: rebuilds the L2 from L1, runs ahead with the sequencer's signed blocks, answers wallets."""
