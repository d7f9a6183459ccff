"""What is wrong with a checkpoint or a dataset, before hours are spent."""
