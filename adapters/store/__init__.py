"""The run store: the folder of one audit in blob storage, the single source of truth about it.

    <profile>/<audit id>/run.json                 the record of the audit (``records``)
    <profile>/<audit id>/pulled/0.json            the first run of sources was read: when, and how many rows
    <profile>/<audit id>/rows/<source>.jsonl.gz   the rows of a source (``rows``)
    <profile>/<audit id>/work.jsonl.gz            the units to open, in blocks
    <profile>/<audit id>/plan.json                the frozen plan, which points into them (``plans``)
    <profile>/<audit id>/shards/0007.jsonl.gz     the records of shard 7; its metadata holds the counts (``shards``)
    <profile>/<audit id>/shards/0007.progress     the progress of shard 7, in its metadata
    <profile>/<audit id>/dead-letters/0007.json   why shard 7 could not be read to its end (``dead_letters``)
    <profile>/<audit id>/<attempt>/...            the artefacts of one attempt (``attempts``)
    <profile>/questions/<digest>.json             the completed audits of a question (``questions``)
    <profile>/<audit id>/report.json, findings.csv, report.html   (``reports``)

Of files that belong together the last one written marks all as complete. A step that is done twice changes nothing: its
first or last file is created only if it does not exist, which shows that the step was done before.
"""
