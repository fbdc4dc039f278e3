"""What buckets in object stores share: names of objects, and how one is read to its end."""
