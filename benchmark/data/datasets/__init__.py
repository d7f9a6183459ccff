"""The datasets that ship, one file each: what stands here is found by itself."""
