"""The interfaces between packages, one module each: what one side asks for and the other gives."""
