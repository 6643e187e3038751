"""What users do: deposit, order, publish, exit, withdraw, and show a sequencer's fault. Prints and parses nothing."""
