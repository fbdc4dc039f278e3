"""Who lives where: targets, connections and paths, computed from the manifest alone."""
