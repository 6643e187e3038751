"""How a page looks: on a screen that is light or dark, wide or narrow, and on paper."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --back: #ffffff;
  --card: #f6f8fa; --format: #b6c8e8; --seen: #1f5fbf; --error: #b4420f; --table: #8250df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa4af; --line: #30363d;
  --back: #0d1117; --card: #161b22; --format: #2f4468; --seen: #79b0ff;
  --error: #ff9a62; --table: #c297ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; background: var(--back);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .25rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); max-width: 46rem; }
code { font-size: .8rem; overflow-wrap: anywhere; color: var(--soft); display: block; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.card b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: .85rem; }
.wide { overflow-x: auto; }
svg { width: 100%; min-width: 40rem; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); stroke-width: 1; }
.format { fill: var(--format); } .seen { fill: var(--seen); }
.error { fill: var(--error); } .table { fill: var(--table); }
.key { font-size: .85rem; color: var(--soft); margin-right: 1rem; white-space: nowrap; }
.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .35rem; }
.format i, i.format { background: var(--format); } i.seen { background: var(--seen); }
i.error { background: var(--error); } i.table { background: var(--table); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; } tbody th { font-weight: 400; color: var(--soft); width: 40%; }
td.number, th.number { text-align: right; white-space: nowrap; }
.bar { background: var(--seen); height: .7rem; border-radius: .15rem; min-width: 1px; }
summary { cursor: pointer; margin-top: 2rem; font-weight: 600; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } svg { min-width: 0; }
  section { break-inside: avoid; } details { display: none; }
  .format, .seen, .error, .table, .bar, i { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
