"""What users do: deposit, order, publish, exit, withdraw, show a fault of the sequencer. Nothing is printed."""
