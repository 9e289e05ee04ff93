"""What a plan is: tables, audit, totals, value chains."""
