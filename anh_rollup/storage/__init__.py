"""What outlives a process: the SQLite store and the artifact store."""
