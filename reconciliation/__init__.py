"""The engine: it makes every decision, does no I/O, uses the standard library only, and knows no audited system.

The project's vocabulary; each word has one meaning in all packages:

=============================  =========================================================================================
profile                        one audited system, declared: sources, joins, a scan, kinds with their tables of rules
audit                          one run of a profile; it has an id, a state, a phase and a report
source                         a stream of rows that is read once, and again for the keys in doubt
join, group                    sources side by side under one key; all that is held of one key
unit                           what is opened one by one and covered: a container, a folder, an id; a profile names it
listed                         of units only: named by the listing of the account
asked                          the parameters of an audit, as its request gave them
shard                          a run of adjacent units: the piece of the fan-out, one ``scan_shard`` activity
evidence                       what a scan read of one unit, reduced to what a verdict can need
sighting                       how often the audit came across something that a profile adds up over all groups
kind, subject                  a sort of thing that is judged (an order, an upload, a folder, ...); one of them
verdict                        a member of its kind's closed list; exactly one for each subject
in doubt, second look          not in order at first sight; read again just before it is reported
finding                        a subject with its verdict, the reason, the evidence and the next step
severity                       high, medium, low, unknown (could not be checked) or info
attempt                        one way from the end of the scan to a report; resume and replay begin a new one
coverage                       what was listed = read + skipped (with a reason) + failed
gap                            why something may have been overlooked although all that was listed is accounted for
dead letter                    a shard that could not be read to its end after all passes: kept, replayed or discarded
run store                      the folder of one audit in blob storage, and its truth
interrupted, resume            nobody works on it and it has not ended; it is begun again, and what was done is kept
=============================  =========================================================================================
"""

VERSION = "0.1.0"
