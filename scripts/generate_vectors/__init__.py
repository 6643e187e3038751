"""Writes tests/vectors: the cases by which Python and Solidity prove that they agree."""
