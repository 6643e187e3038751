"""One handler for each operator of ONNX, by family."""
