"""The world: EVM state as a function of the order, computed when somebody asks (docs/world.md)."""
