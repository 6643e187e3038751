"""The sequencer: orders transactions, gives signed receipts, posts batches to L1, executes nothing."""
