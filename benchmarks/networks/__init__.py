"""Networks that people use: published ones from the packages that carry them, and published architectures."""
