"""Proofs of translation: generated calls over hostile values, on the live server and in the engine."""
