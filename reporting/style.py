"""The style sheet of report.html. Colours meet WCAG AA (4.5:1) on their backgrounds, in light and dark."""

STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1c2126; --quiet: #57606a; --line: #d0d7de; --soft: #f6f8fa;
  --link: #0b57a4; --high: #b3261e; --medium: #8a5300; --low: #1f5fa8; --unknown: #6b3fa0; --info: #2f6f44;
  --on: #fff; }
@media screen and (prefers-color-scheme: dark) { :root { --page: #14181c; --text: #e6e9ec; --quiet: #a4adb6;
  --line: #39424b; --soft: #1d2328; --link: #8ab8f0; --high: #ff9d94; --medium: #f0b866; --low: #8ab8f0;
  --unknown: #c9a6f5; --info: #85d19d; --on: #14181c; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); } a code { color: inherit; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.quiet, caption, dt { color: var(--quiet); } .quiet, caption { font-size: .9rem; }
p { margin: .3rem 0; } h1 { font-size: 1.7rem; line-height: 1.25; margin: .3rem 0 .6rem; max-width: 60rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
header { border-left: .5rem solid var(--info); padding: .25rem 0 .25rem 1rem; }
header.findings { border-color: var(--high); } header.incomplete { border-color: var(--unknown); }
.badge, .mark { background: var(--info); color: var(--on); border-radius: 1rem; padding: .1rem .7rem;
  font-weight: 600; }
.mark { font-size: .8rem; padding: .1rem .5rem; white-space: nowrap; } h2 .mark { font-size: 1rem; }
.findings .badge, .mark.high { background: var(--high); } .mark.medium { background: var(--medium); }
.mark.low { background: var(--low); } .incomplete .badge, .mark.unknown { background: var(--unknown); }
.mark.info, .mark.counted { background: none; color: var(--quiet); padding: 0; font-weight: 400; }
code { font-family: ui-monospace, monospace; font-size: .875em; overflow-wrap: anywhere; }
.tiles, .legend { list-style: none; padding: 0; margin: 1rem 0 0; display: flex; flex-wrap: wrap; gap: .5rem; }
.tiles a { display: block; border: 1px solid var(--line); border-top: .25rem solid var(--line); border-radius: .3rem;
  padding: .3rem .8rem; color: var(--text); text-decoration: none; } .tiles a:hover { text-decoration: underline; }
.tiles b { display: block; font-size: 1.4rem; line-height: 1.2; } .tiles .zero a { color: var(--quiet); }
.tiles .high a { border-top-color: var(--high); } .tiles .medium a { border-top-color: var(--medium); }
.tiles .low a { border-top-color: var(--low); } .tiles .unknown a { border-top-color: var(--unknown); }
.steps { padding-left: 1.6rem; } .steps li { margin: .5rem 0; padding-left: .3rem; }
table { border-collapse: collapse; } table:not(.sum) { width: 100%; }
caption { text-align: left; margin: 1rem 0 .2rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.sum th { font-weight: 400; } .sum .part th { padding-left: 1.5rem; color: var(--quiet); }
.sum .total > * { font-weight: 700; border-top: 2px solid var(--text); }
.chart th, .chart td { border: 0; padding-block: .15rem; }
.chart code { white-space: nowrap; } .chart .bar { width: 55%; padding-right: 0; }
.bar svg { display: block; width: 100%; height: .9rem; margin-top: .3rem; }
figure { margin: .5rem 0; } .timeline { display: block; width: 100%; height: 166px; overflow: visible; }
.timeline line { stroke: var(--line); } .timeline text { fill: var(--quiet); font-size: 13px; }
.timeline rect { stroke: var(--page); }
rect.high, .high rect { fill: var(--high); } rect.medium, .medium rect { fill: var(--medium); }
rect.low, .low rect { fill: var(--low); } rect.unknown, .unknown rect { fill: var(--unknown); }
#filter { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: end;
  background: var(--soft); border: 1px solid var(--line); border-radius: .3rem; padding: .6rem .8rem;
  margin-top: 2.4rem; }
#filter label { max-width: 100%; display: flex; flex-direction: column; font-size: .9rem; }
#filter .check { flex-direction: row; gap: .4rem; padding-bottom: .4rem; }
#filter p { padding-bottom: .2rem; font-weight: 600; }
input, select, button { font: inherit; background: var(--page); color: var(--text); border: 1px solid var(--quiet);
  border-radius: .3rem; padding: .25rem .5rem; } #filter-text { width: 20rem; max-width: 100%; }
::placeholder { color: var(--quiet); opacity: 1; }
#filter select { max-width: 100%; } section { scroll-margin-top: 1rem; }
#findings section { scroll-margin-top: 6rem; }
table.findings thead { border-bottom: 2px solid var(--text); } .findings tbody tr:first-child > * { border: 0;
  padding-bottom: 0; }
table.findings { table-layout: fixed; font-size: .9rem; } time { white-space: nowrap; }
.findings thead th:nth-child(1) { width: 32%; } .findings thead th:nth-child(2) { width: 18%; }
.findings thead th:nth-child(3) { width: 16%; } .findings thead th:nth-child(4) { width: 15%; }
.findings tbody th { font-weight: 400; } .findings .why td { padding: .2rem 0 .9rem; }
.findings th button { border: 0; background: none; padding: 0; font-weight: 600; cursor: pointer;
  white-space: nowrap; }
.findings th button::after { content: " \\2195"; color: var(--quiet); }
th[aria-sort=ascending] button::after { content: " \\2191"; color: inherit; }
th[aria-sort=descending] button::after { content: " \\2193"; color: inherit; }
.new { background: var(--text); color: var(--page); border-radius: .2rem; padding: 0 .35rem; font-size: .8rem; }
.due { color: var(--high); }
.statement { background: var(--soft); border: 1px solid var(--line); border-radius: .3rem; padding: .6rem .8rem;
  margin: .5rem 0; max-height: 16rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all;
  font: .875rem/1.45 ui-monospace, monospace; }
.next { border-left: .25rem solid var(--info); padding-left: .6rem; }
summary { cursor: pointer; color: var(--link); width: fit-content; }
dl { display: flex; flex-wrap: wrap; gap: .1rem 1.5rem; margin: .4rem 0; } dl div { display: flex; gap: .4rem; }
dd { margin: 0; }
.why details { font-size: .9rem; } .evidence { background: var(--soft); padding: .4rem .75rem; margin-top: .4rem; }
details ul { margin: .3rem 0; } .sum { margin: .6rem 0; }
.evidence ul { margin: .2rem 0 0; padding-left: 1.2rem; }
@media (max-width: 74rem) { .findings tbody time { white-space: normal; } }
@media (max-width: 64rem) {
  table.findings, .findings tbody, .findings tr, .findings td, .findings tbody th { display: block; }
  .findings thead th:nth-child(n) { display: inline-block; border: 0; padding: .1rem .8rem .1rem 0; width: auto; }
  .findings tbody { border-top: 2px solid var(--line); padding-top: .5rem; }
  .findings tbody td { padding: 0; border: 0; text-align: left; } .findings .why td { padding-bottom: .8rem; }
  .findings td:not([colspan]) { display: inline-block; margin-right: .9rem; }
  .findings td:nth-child(2) { font-weight: 600; }
  .findings td[data-title]:not(:empty)::before { content: attr(data-title) " "; color: var(--quiet); }
}
@media (max-width: 40rem) {
  h1 { font-size: 1.35rem; } dl { display: block; } .steps { padding-left: 1.2rem; } #filter { position: static; }
  .chart thead, .verdicts thead { display: none; } .chart tr { padding: .2rem 0; } .verdicts tr { padding: .5rem 0; }
  .chart tr, .verdicts tr { display: grid; grid-template-columns: 1fr auto auto; column-gap: .8rem; }
  .verdicts tr { border-bottom: 1px solid var(--line); } .verdicts th, .verdicts td { border: 0; padding: 0; }
  .chart th, .chart td { padding: 0; } .chart .bar, .verdicts td:last-child { grid-column: 1 / 4; width: auto; }
  .plain { font-size: .9rem; } .plain th, .plain td { padding-right: .5rem; }
}
@media print and (max-width: 64rem) { .findings thead { display: none; } }
@media print {
  html { font-size: 12px; } body { max-width: none; padding: 0; font-size: 1rem; print-color-adjust: exact; }
  .skip, #filter, .findings button::after { display: none; } .findings tbody time { white-space: normal; }
  details::details-content { content-visibility: visible; height: auto; }
  h2, h3, thead, .findings tbody tr:first-child { break-after: avoid; } .evidence, figure { break-inside: avoid; }
}
"""
