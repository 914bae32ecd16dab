/**
 * A document as one HTML page that loads nothing and runs nothing: no script, no link, no image, and a policy that
 * would stop them; only the page's own style is allowed, by its digest. All text is escaped, and nothing but text
 * comes from a document.
 */
import { hash } from 'node:crypto';
import { type Block, type Part, partsText, partText, type ReportDocument, type Section } from '../document.ts';
import { visibleLine, visibleLines } from '../visible-text.ts';
import { evidenceMarker } from './evidence-marker.ts';
import { HTML_STYLE } from './html-style.ts';

const POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', HTML_STYLE, 'base64')}'; base-uri 'none'; form-action 'none'`;

const TONES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['PASS', 'YES', 'MET'].map((word) => [word, 'good'])),
  ...Object.fromEntries(['PARTIAL', 'SUB-GAP', 'NOT PROVEN', 'NOT_RUN', 'UNKNOWN'].map((word) => [word, 'fair'])),
  ...Object.fromEntries(['FAIL', 'BLOCKED', 'NO', 'NOT MET'].map((word) => [word, 'bad'])),
};

export function renderHtml(document: ReportDocument): string {
  const { number, title, app, version, run, host, ledger } = document;
  const heading = escaped(`${number} - ${title}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${heading} - ${escaped(`${app} ${version}`)}</title>
<style>${HTML_STYLE}</style>
</head>
<body>
<header>
<h1>${heading}</h1>
<p>${escaped(`Document ${number} of 08: ${app} ${version} on ${host}, run ${run}.`)}</p>
<p>${escaped(`Made from the first ${ledger.size} entries of the run's ledger, head ${ledger.head}. [#n] is its entry n: evidence id ${run}#n.`)}</p>
</header>
<main>
${document.sections.map(renderSection).join('\n')}
</main>
</body>
</html>
`;
}

function renderSection({ title, blocks }: Section): string {
  return `<section>\n<h2>${escaped(title)}</h2>\n${blocks.map(renderBlock).join('\n')}\n</section>`;
}

function renderBlock(block: Block): string {
  switch (block.block) {
    case 'facts':
      return table(
        [],
        block.rows.map(
          ({ key, statement }) =>
            `<th scope="row">${escaped(key)}</th>${cell(statement.parts)}${evidenceCell(statement.evidence)}`,
        ),
      );
    case 'outcomes':
      return table(
        [],
        block.rows.map(
          ({ label, outcome, detail, evidence }) =>
            `<th scope="row">${text(label)}</th>${outcomeCell(outcome)}${cell(detail)}${evidenceCell(evidence)}`,
        ),
      );
    case 'table':
      return table(
        [...block.columns, 'Evidence'],
        block.rows.map(({ cells, evidence }) => `${cells.map(cell).join('')}${evidenceCell(evidence)}`),
      );
    case 'list':
      return `<ul>\n${block.items.map(({ parts, evidence }) => `<li>${text(parts)} ${evidenceSpan(evidence)}</li>`).join('\n')}\n</ul>`;
    case 'verbatim': {
      const lines = visibleLines(partsText(block.statement.parts)).map(escaped);
      return `<pre>${lines.join('\n')}</pre>\n<p>${evidenceSpan(block.statement.evidence)}</p>`;
    }
  }
}

function table(columns: readonly string[], rows: readonly string[]): string {
  const head = columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row}</tr>`).join('\n');
  return `<table>\n${head === '' ? '' : `<thead><tr>${head}</tr></thead>\n`}<tbody>\n${body}\n</tbody>\n</table>`;
}

function cell(parts: readonly Part[]): string {
  const [only] = parts;
  const tone = parts.length === 1 && only !== undefined ? toneOf(only) : undefined;
  return `<td${tone ? ` class="outcome ${tone}"` : ''}>${text(parts)}</td>`;
}

function outcomeCell(outcome: Part): string {
  return `<td class="outcome ${toneOf(outcome) ?? ''}">${text([outcome])}</td>`;
}

const TONED_RULES: readonly string[] = ['check-status', 'gate-status', 'criterion', 'claim', 'expectation'];

/** Only what was computed is coloured: a host cannot make its own text look like a verdict. */
function toneOf(part: Part): string | undefined {
  if (typeof part === 'string' || part.source.from !== 'derived' || !TONED_RULES.includes(part.source.rule))
    return undefined;
  const word = partText(part);
  return Object.hasOwn(TONES, word) ? TONES[word] : undefined;
}

function evidenceCell(evidence: readonly string[]): string {
  return `<td>${evidenceSpan(evidence)}</td>`;
}

function evidenceSpan(evidence: readonly string[]): string {
  return `<span class="evidence" title="${escaped(evidence.join(' '))}">${escaped(evidenceMarker(evidence))}</span>`;
}

function text(parts: readonly Part[]): string {
  return escaped(partsText(parts));
}

function escaped(value: string): string {
  return visibleLine(value).replace(/[&<>"'`=]/g, (character) => `&#${character.codePointAt(0)};`);
}
