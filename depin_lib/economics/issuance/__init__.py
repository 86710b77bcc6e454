"""How many new tokens each network hands out, and when that changes: one module per protocol."""
