"""What users do: deposit, order, publish, exit, withdraw, show a sequencer's fault. Prints and parses nothing."""
