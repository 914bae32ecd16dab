/**
 * A document as Markdown. Text from hosts and repositories can neither open a construct nor leave one:
 *
 * 1. In running text and tables each character that Markdown or HTML may read as syntax is escaped, links included.
 * 2. Line-by-line blocks are code fences longer than any run of backticks inside.
 * 3. What a reader cannot see is spelled out, line breaks included.
 */

import { visibleLine, visibleLines } from '../../../shared/visible-text.ts';
import { type Block, type OutcomeRow, type Part, partsText, type ReportDocument, type Section } from '../document.ts';
import { evidenceMarker } from './evidence-marker.ts';

export function renderMarkdown(document: ReportDocument): string {
  const { number, title, app, version, run, host, ledger } = document;
  const intro = [
    `# ${number} - ${escaped(title)}`,
    `Document ${number} of 08: ${escaped(`${app} ${version}`)} on ${escaped(host)}, run ${escaped(run)}.`,
    `Made from the first ${ledger.size} entries of the run's ledger, head ${escaped(ledger.head)}. ` +
      `\\[#n\\] is its entry n: evidence id ${escaped(run)}#n.`,
  ];
  return `${[...intro, ...document.sections.map(renderSection)].join('\n\n')}\n`;
}

function renderSection({ title, blocks }: Section): string {
  return [`## ${escaped(title)}`, ...blocks.map(renderBlock)].join('\n\n');
}

function renderBlock(block: Block): string {
  switch (block.block) {
    case 'facts':
      return fence(
        block.rows.map(
          ({ key, statement }) =>
            `${visibleLine(key)}: ${line(statement.parts)}  ${evidenceMarker(statement.evidence)}`,
        ),
      );
    case 'outcomes':
      return fence(outcomeLines(block.rows));
    case 'table':
      return tableLines(block).join('\n');
    case 'list':
      return block.items
        .map(({ parts, evidence }) => `- ${escapedItem(line(parts))} ${escaped(evidenceMarker(evidence))}`)
        .join('\n');
    case 'verbatim': {
      const { parts, evidence } = block.statement;
      return `${fence(visibleLines(partsText(parts)))}\n\n${escaped(evidenceMarker(evidence))}`;
    }
  }
}

function outcomeLines(rows: readonly OutcomeRow[]): string[] {
  const width = Math.max(...rows.map(({ label }) => line(label).length));
  return rows.map(({ label, outcome, detail, evidence }) => {
    const dots = '.'.repeat(Math.max(3, width + 5 - line(label).length));
    const words = [line(label), dots, line([outcome]), line(detail), ` ${evidenceMarker(evidence)}`];
    return words.filter((word) => word !== '').join(' ');
  });
}

function tableLines({ columns, rows }: Extract<Block, { block: 'table' }>): string[] {
  const header = [...columns, 'Evidence'];
  return [
    tableLine(header),
    tableLine(header.map(() => '---')),
    ...rows.map(({ cells, evidence }) =>
      tableLine([...cells.map((cell) => escaped(line(cell))), escaped(evidenceMarker(evidence))]),
    ),
  ];
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function line(parts: readonly Part[]): string {
  return visibleLine(partsText(parts));
}

/** Escapes what CommonMark and its dialects read as syntax in running text, and what they turn into links. */
function escaped(text: string): string {
  return visibleLine(text)
    .trim()
    .replace(/[\\`*_[\]<>|~&$@]/g, '\\$&')
    .replace(/:\/\//g, '\\://')
    .replace(/www\./gi, (start) => `${start.slice(0, 3)}\\.`);
}

/** As `escaped`, for text that begins a line: there some characters open a list, a heading or a rule. */
function escapedItem(text: string): string {
  return escaped(text)
    .replace(/^[-+#=]/, '\\$&')
    .replace(/^(\d+)([.)])/, '$1\\$2');
}

function fence(lines: readonly string[]): string {
  const longest = Math.max(2, ...lines.flatMap((text) => [...text.matchAll(/`+/g)].map(([run]) => run.length)));
  const mark = '`'.repeat(longest + 1);
  return [`${mark}text`, ...lines, mark].join('\n');
}
