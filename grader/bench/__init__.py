"""Benches: ours against a peer, interleaved in one run.  Each module has `run()` and `main()`."""
