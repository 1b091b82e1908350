"""Grading on many machines: jobs go to the workers of a Dask cluster, outcomes come back.

They never share a disk: what a worker says is as untrusted as what a kernel says.

Nothing is shared but the course itself, which must be installed on every worker in the same
version.  Submissions, results and the gradebook stay with the process that grades.
"""

from grader.cluster.errors import ClusterUnavailable, JobLost, OtherVersion
from grader.cluster.executor import ClusterExecutor

__all__ = ["ClusterExecutor", "ClusterUnavailable", "JobLost", "OtherVersion"]
