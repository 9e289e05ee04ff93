"""What could be made of a region's waste: a library of technologies, priced at the plan."""
