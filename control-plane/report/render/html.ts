/**
 * A document as one HTML page that loads nothing and runs nothing: no script, no link, no image, and a policy that
 * would stop them; only the page's own style is allowed, by its digest. All text is escaped, and nothing but text
 * comes from a document.
 */
import { hash } from 'node:crypto';
import { visibleLine, visibleLines } from '../../../shared/visible-text.ts';
import {
  type Block,
  type OutcomeRow,
  type Part,
  partsText,
  partText,
  type ReportDocument,
  type Section,
} from '../document.ts';
import { evidenceRanges } from './evidence-marker.ts';
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
        { kind: 'facts', columns: ['Fact', 'Value', 'Evidence'] },
        block.rows.map(
          ({ key, statement }) =>
            `<th scope="row">${escaped(key)}</th>${cell(statement.parts)}${evidenceCell(statement.evidence)}`,
        ),
      );
    case 'outcomes':
      return table(
        {
          kind: isTerse(block.rows) ? 'conditions' : 'outcomes',
          columns: ['Condition', 'Outcome', 'Detail', 'Evidence'],
        },
        block.rows.map(
          ({ label, outcome, detail, evidence }) =>
            `<th scope="row">${text(label)}</th>${outcomeCell(outcome)}${cell(detail)}${evidenceCell(evidence)}`,
        ),
      );
    case 'table':
      return table(
        { kind: 'grid', columns: [...block.columns, 'Evidence'] },
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

/** Few have anything to add: the room belongs to the conditions themselves. */
function isTerse(rows: readonly OutcomeRow[]): boolean {
  return rows.filter(({ detail }) => detail.length > 0).length * 4 <= rows.length;
}

/** Of the line-by-line blocks the headings are there for who cannot see the columns. */
function table(
  { kind, columns }: { kind: 'facts' | 'outcomes' | 'conditions' | 'grid'; columns: readonly string[] },
  rows: readonly string[],
): string {
  const widths = kind === 'grid' ? '' : `<colgroup>${'<col>'.repeat(columns.length)}</colgroup>\n`;
  const head = columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row}</tr>`).join('\n');
  return `<table class="${kind}">\n${widths}<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
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
  const ranges = evidenceRanges(evidence).map((range) => `<span>${escaped(range)}</span>`);
  return `<span class="evidence" title="${escaped(evidence.join(' '))}">[${ranges.join(', ')}]</span>`;
}

/** A digest by itself is set so that it can be compared by eye. */
const DIGEST = /^[0-9a-f]{40,128}$/;

function text(parts: readonly Part[]): string {
  return parts
    .map((part) => (DIGEST.test(partText(part)) ? `<code>${partText(part)}</code>` : escaped(partText(part))))
    .join('');
}

function escaped(value: string): string {
  return visibleLine(value).replace(/[&<>"'`=]/g, (character) => `&#${character.codePointAt(0)};`);
}
