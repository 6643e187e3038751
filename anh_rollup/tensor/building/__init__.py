"""The parts of `ProgramBuilder`: one file for each family of operations."""
