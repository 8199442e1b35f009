"""The style sheet of report.html. Colours meet WCAG AA (4.5:1) on their backgrounds, in light and dark."""

STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1c2126; --quiet: #57606a; --line: #d0d7de; --soft: #f6f8fa;
  --high: #b3261e; --unknown: #8a5300; --info: #2f6f44; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --page: #14181c; --text: #e6e9ec; --quiet: #a4adb6; --line: #39424b;
  --soft: #1d2328; --high: #ff9d94; --unknown: #f0b866; --info: #85d19d; --on: #14181c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { border-left: .5rem solid var(--info); padding: .25rem 0 .25rem 1rem; margin-bottom: 2rem; }
header.findings { border-color: var(--high); } header.incomplete { border-color: var(--unknown); }
.kicker, .when { color: var(--quiet); margin: 0; font-size: .9rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .3rem 0 .6rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; } h3 { font-size: 1rem; margin: 0 0 .2rem; }
.badge { background: var(--info); color: var(--on); border-radius: 1rem; padding: .1rem .7rem; font-weight: 600; }
.findings .badge { background: var(--high); } .incomplete .badge { background: var(--unknown); }
code { font: .875em ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } table.sum { width: auto; min-width: 20rem; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } th code { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.total td { font-weight: 700; border-top: 2px solid var(--text); }
.bar { width: 20%; } .bar i { display: block; height: .7rem; margin-top: .4rem;
  background: var(--info); }
.high .bar i { background: var(--high); } .unknown .bar i { background: var(--unknown); }
article { border: 1px solid var(--line); border-left: .3rem solid var(--high); border-radius: .3rem;
  padding: .8rem 1rem; margin: 0 0 .8rem; break-inside: avoid; }
article.unknown { border-left-color: var(--unknown); }
article p { margin: .3rem 0; } .evidence { background: var(--soft); padding: .5rem .75rem; margin-top: .5rem;
  font-size: .9rem; } .evidence ul { margin: .2rem 0 0; padding-left: 1.2rem; }
@media (max-width: 40rem) { .bar { display: none; } h1 { font-size: 1.3rem; } }
@media print { main { max-width: none; padding: 0; } a { color: inherit; } }
"""
