"""Benches: ours against a peer, interleaved in one run.  Each module has `run()` and `main()`.

Nothing else imports them, and they never write to anybody's class.
"""
