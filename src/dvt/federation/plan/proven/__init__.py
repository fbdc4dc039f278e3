"""Translation by proof: which constructs over which types of arguments answer alike in an engine."""
