"""Sockets of this process, as the operating system sees them, whichever library has opened them."""
