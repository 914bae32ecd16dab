/** The style of a report page: readable on screen and on paper, light and dark, without anything from outside. */
export const HTML_STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --quiet: #60646c; --paper: #ffffff; --shade: #f4f5f7; --rule: #d9dce1;
  --good: #18794e; --fair: #915a00; --bad: #b4232c; --link: #0b62c4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --quiet: #9ba1a8; --paper: #15181b; --shade: #1f2327; --rule: #363b41;
    --good: #4cc38a; --fair: #f1a10d; --bad: #ff8589; --link: #6db1ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 62rem; color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { border-bottom: 1px solid var(--rule); margin-bottom: 2rem; padding-bottom: 1rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .75rem; }
header p { margin: .25rem 0; color: var(--quiet); overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1rem; font-size: .925em; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--rule);
  overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-weight: 600; overflow-wrap: normal; }
tbody th { font-weight: 600; }
.facts, .outcomes, .conditions { table-layout: fixed; }
.facts thead, .outcomes thead, .conditions thead { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute;
  white-space: nowrap; width: 1px; }
.facts col:first-child { width: 13em; } .facts col:last-child { width: 20%; }
.outcomes col:first-child { width: 30%; } .conditions col:first-child { width: 45%; }
.outcomes col:nth-child(2), .conditions col:nth-child(2) { width: 7.5rem; }
.outcomes col:last-child, .conditions col:last-child { width: 7rem; }
td.outcome { font-weight: 700; }
.good { color: var(--good); } .fair { color: var(--fair); } .bad { color: var(--bad); }
ul { margin: 0 0 1rem; padding-left: 1.25rem; } li { margin: .3rem 0; overflow-wrap: anywhere; }
pre { margin: 0 0 .25rem; padding: .8rem 1rem; background: var(--shade); border-radius: 6px; overflow-x: auto;
  font: .875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre + p { margin: 0 0 1rem; }
code { font: .85em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.evidence { color: var(--quiet); font: .85em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  overflow-wrap: normal; }
.evidence span { white-space: nowrap; }
@media screen and (max-width: 40rem) {
  body { padding: 1.25rem 1rem 2rem; }
  colgroup { display: none; }
  .facts, .outcomes, .conditions, .facts tbody, .outcomes tbody, .conditions tbody { display: block; }
  .facts tr, .outcomes tr, .conditions tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--rule); }
  .facts tbody th, .facts td, .outcomes tbody th, .outcomes td, .conditions tbody th, .conditions td { display: block;
    padding: .1rem 0; border: 0; }
  td:empty { display: none; }
}
@media print {
  :root { --ink: #000; --quiet: #444; --paper: #fff; --shade: #f2f2f2; --rule: #bbb; --good: #0d5c38; --fair: #6b4200; --bad: #8f1219; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; } tr, li, pre { break-inside: avoid; }
}
@page { margin: 18mm 16mm; }
`;
