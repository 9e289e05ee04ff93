"""What a scenario may hold: sheets and columns, units of measure, indicators."""
