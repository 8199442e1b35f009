"""The run store: the folder of one audit in blob storage, and the truth about it.

    <profile>/<audit id>/run.json                 the record of the audit (``records``)
    <profile>/<audit id>/pulled/0.json            the first run of sources is read; when that was, and by whose clock
    <profile>/<audit id>/rows/<source>.jsonl.gz   what a source gave (``rows``)
    <profile>/<audit id>/work.jsonl.gz            the units to open, in blocks
    <profile>/<audit id>/plan.json                the frozen plan, which points into them (``plans``)
    <profile>/<audit id>/shards/0007.jsonl.gz     what shard 7 saw; its metadata holds the counts (``shards``)
    <profile>/<audit id>/shards/0007.progress     how far shard 7 has come
    <profile>/<audit id>/dead-letters/0007.json   why shard 7 could not be read to its end (``dead_letters``)
    <profile>/<audit id>/<attempt>/...            what one way from the scan's end to a report leaves (``attempts``)
    <profile>/questions/<digest>.json             which audits answered a question (``questions``)
    <profile>/<audit id>/report.json, findings.csv, report.html   (``reports``)

Of files that belong together the one written last says that all are complete. A step that is done twice leaves what is
there: it creates its first file or its last, and finds out by that.
"""
