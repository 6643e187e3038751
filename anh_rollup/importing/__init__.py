"""ONNX and torch models become tensor programs."""
