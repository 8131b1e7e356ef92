"""What a study costs before it is run: images, steps, operations, memory and disk, from its settings alone."""
