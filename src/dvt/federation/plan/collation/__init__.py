"""Text compared as its database compares it: by the collations of the columns it is made of."""
