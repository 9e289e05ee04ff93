"""From a scenario to a solution: arrays, HiGHS, prices, why there is no plan."""
