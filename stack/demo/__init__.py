"""The live demo: what the pipeline's readers see, shown in a terminal while it happens."""
