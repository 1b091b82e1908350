"""Run a submission: merge it with its release, execute it in a sandbox, bring back what came out.

It decides nothing and never knows an expected output; what it returns is untrusted.
"""
