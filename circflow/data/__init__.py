"""The scenario: schema, files, checks, network."""
