"""Many runs: their design, the affine arrays, the engine, the store, sweep, tornado, ranges."""
