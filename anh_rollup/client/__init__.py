"""What users do: deposit, order, exit, withdraw, and show a sequencer's fault. Prints and parses nothing."""
