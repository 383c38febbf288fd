"""oncue beside its peers and beside the limits of the machine, on the same work, in the same run: bench/compare."""
