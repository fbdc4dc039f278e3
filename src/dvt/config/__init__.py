"""What users wrote in dvt's own files: validated once, frozen afterwards."""
