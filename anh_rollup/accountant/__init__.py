"""The accountant: trains and runs networks, posts bonded claims, defends them."""
