"""Who lives where: targets, connections and paths, from the manifest alone; what each type of output is."""
