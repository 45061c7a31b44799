"""Arrays and values in, arrays and values out: no disk, network, clock, environment or log."""
