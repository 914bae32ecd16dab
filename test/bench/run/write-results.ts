/** The results as files: a JSON document with every reading, a page with the table, a chart. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartOf } from '../measure/chart.ts';
import { type FigureResult, targetText } from '../measure/figure.ts';
import type { Machine } from '../measure/machine.ts';
import { markdownTable } from '../measure/table.ts';

export interface BenchRun {
  readonly bench: string;
  readonly scale: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly commit: string;
  readonly machine: Machine;
  /** Processes that wanted to run for each core, before and after: well below 1 on a machine that does nothing else. */
  readonly loadPerCore: { readonly before: number; readonly after: number };
  readonly figures: readonly FigureResult[];
}

/** Returns the paths that it wrote. */
export function writeResults(folder: string, run: BenchRun): string[] {
  mkdirSync(folder, { recursive: true });
  const name = `${run.bench}-${run.startedAt.slice(0, 10)}${run.scale === 'full' ? '' : `-${run.scale}`}`;
  const files = [
    { path: join(folder, `${name}.json`), text: `${JSON.stringify(documentOf(run), null, 2)}\n` },
    { path: join(folder, `${name}.md`), text: pageOf(run, `${name}.svg`) },
    {
      path: join(folder, `${name}.svg`),
      text: chartOf(run.figures, { title: titleOf(run), subtitle: machineLine(run) }),
    },
  ];
  for (const { path, text } of files) writeFileSync(path, text);
  return files.map(({ path }) => path);
}

function documentOf({ figures, ...run }: BenchRun): object {
  return { ...run, figures: figures.map((figure) => ({ ...figure, target: targetText(figure.target) })) };
}

function pageOf(run: BenchRun, chart: string): string {
  const { machine, loadPerCore, figures } = run;
  const notes = figures.flatMap((figure) =>
    figure.value === null ? [] : (figure.notes ?? []).map((note) => `- ${figure.title}: ${note}`),
  );
  const met = figures.filter((figure) => figure.met).length;
  return [
    `# ${titleOf(run)}`,
    '',
    `${met} of ${figures.length} targets met. Medians; the range is of the readings or of the pairs' ratios.`,
    ...(run.scale === 'full'
      ? []
      : [
          '',
          `A ${run.scale} run: fewer readings of smaller things; it shows that all of it works, not how fast it is.`,
        ]),
    '',
    ...markdownTable(figures),
    '',
    `![each value against its target](${chart})`,
    '',
    ...(notes.length > 0 ? ['## Notes', '', ...notes, ''] : []),
    '## Machine',
    '',
    `- ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB`,
    `- ${machine.distribution}, kernel ${machine.kernel}, disk ${machine.disk}`,
    `- ${Object.entries(machine.programs)
      .map(([name, version]) => `${name}: ${version}`)
      .join('; ')}`,
    `- load per core before ${loadPerCore.before.toFixed(2)}, after ${loadPerCore.after.toFixed(2)}`,
    `- commit ${run.commit}, ${run.startedAt} to ${run.endedAt}`,
    '',
    'How each figure is defined stands in [`README.md`](README.md).',
    '',
  ].join('\n');
}

function titleOf({ bench, startedAt, scale }: BenchRun): string {
  return `Benchmark \`${bench}\`, ${startedAt.slice(0, 10)}${scale === 'full' ? '' : `, ${scale}`}`.replaceAll('`', '');
}

function machineLine({ machine }: BenchRun): string {
  return `${machine.processor}, ${machine.cores} cores, ${machine.distribution}; bars left of the line meet their target`;
}
