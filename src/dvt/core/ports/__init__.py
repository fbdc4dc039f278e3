"""The seams between rooms, one module each: what one side asks for, and what the other gives."""
