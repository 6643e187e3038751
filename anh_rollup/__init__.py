"""A New Hope rollup: an Ethereum L2 for verifiable deep learning."""

__version__ = "0.1.0"
