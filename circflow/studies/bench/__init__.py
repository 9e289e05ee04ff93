"""What every study stands on: a compiled programme, its money by rate, totals as rows, goals."""
