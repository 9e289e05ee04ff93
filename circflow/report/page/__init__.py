"""Pages that explain a result, each one self-contained HTML file (`frame`); a plan's is `plan`."""
