"""Stuck uploads: videos that wait to be processed, against the bucket that holds their files and the runs of Prefect.

Facts about the system behind the rules: a browser puts the file of a video into a bucket by an address that is good for
an hour, in one atomic step; a row says so; an event starts one run of a deployment, with the video's id among its
parameters. The row says that it waits until that run has ended: a run that works, one that waits and one that was never
made look alike there. Events are missed, workers die, and nobody ends the run of a worker that died. A second run
overwrites the layout that people have edited since the first.
"""

from profiles.stuck_uploads.profile import PROFILE

__all__ = ["PROFILE"]
