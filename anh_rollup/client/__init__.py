"""What users do: deposit, order, publish, exit, withdraw, slash. Prints and parses nothing."""
