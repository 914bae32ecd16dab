/**
 * `npm run bench -- ship|govern [--quick] [--only NAME] [--json]`: measures Keyturn on this machine, in this run. `ship`
 * beside what people use today; `govern` beside the bare work that an order, a kill and the log cannot do without. Prints a
 * table and, as the last line, one JSON object; writes a document, a page and a chart to `docs/benchmarks`. Ends with 0 when
 * it ran, whatever the figures say.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Bench as GovernBench } from '../test/bench/govern/bench.ts';
import { GOVERN_FIGURES } from '../test/bench/govern/figures.ts';
import { REPOSITORY } from '../test/bench/keyturn/programs.ts';
import type { Figure } from '../test/bench/measure/figure.ts';
import { describeMachine, loadPerCore } from '../test/bench/measure/machine.ts';
import { resultLine } from '../test/bench/measure/result-line.ts';
import { endStartedProcesses } from '../test/bench/measure/started-processes.ts';
import { textTable } from '../test/bench/measure/table.ts';
import { installPeers } from '../test/bench/peers/packages.ts';
import { type BenchArguments, benchArguments } from '../test/bench/run/bench-arguments.ts';
import { measureFigures } from '../test/bench/run/measure-figures.ts';
import { type BenchRun, writeResults } from '../test/bench/run/write-results.ts';
import { Bench as ShipBench } from '../test/bench/ship/bench.ts';
import { SHIP_FIGURES } from '../test/bench/ship/figures.ts';
import { ensureRequirements } from './requirements.ts';

/** Above this the machine does something else, too. */
const BUSY_LOAD_PER_CORE = 0.5;

const BENCHES = { ship: SHIP_FIGURES, govern: GOVERN_FIGURES };
type Options = BenchArguments<keyof typeof BENCHES>;

/** What every benchmark has: a folder that is gone afterwards, and a scale. */
interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly scale: { readonly name: string };
}

const options = benchArguments(process.argv.slice(2), BENCHES);
ensureRequirements();
process.exitCode = options.bench === 'ship' ? await ship(options) : await govern(options);

function ship(options: Options): Promise<number> {
  return run(options, SHIP_FIGURES, () => {
    installPeers(say);
    return new ShipBench({ ...options, say });
  });
}

function govern(options: Options): Promise<number> {
  return run(options, GOVERN_FIGURES, () => new GovernBench({ ...options, say }));
}

async function run<B extends Place>(
  { bench: name, isJson, only, out }: Options,
  all: readonly Figure<B>[],
  open: () => B,
): Promise<number> {
  const startedAt = new Date().toISOString();
  const before = loadPerCore();
  if (before > BUSY_LOAD_PER_CORE)
    say(`this machine is busy (load per core ${before.toFixed(2)}): the figures will not hold`);
  await using bench = open();
  const stopped = endWithTheBench(bench);
  say(`everything below ${bench.folder}`);
  const figures = all.filter((figure) => only.length === 0 || only.includes(figure.name));
  const { results, broken } = await measureFigures(figures, { bench, say, signal: stopped });
  // What was measured until then is no result.
  if (stopped.aborted) return 1;
  const benchRun: BenchRun = {
    bench: name,
    scale: bench.scale.name,
    startedAt,
    endedAt: new Date().toISOString(),
    commit: commitOf(REPOSITORY),
    machine: describeMachine(bench.folder),
    loadPerCore: { before, after: loadPerCore() },
    figures: results,
  };
  // A part of the figures is no record of the whole; it is written only where somebody asks for it.
  const folder = out ?? (only.length === 0 ? join(REPOSITORY, 'docs', 'benchmarks') : undefined);
  if (folder !== undefined) say(`written: ${writeResults(folder, benchRun).join(', ')}`);
  if (!isJson) process.stdout.write(`${textTable(results).join('\n')}\n`);
  if (broken.length > 0) say(`BROKEN, not measured: ${broken.join(', ')}`);
  process.stdout.write(`${resultLine(name, results)}\n`);
  return broken.length === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What was started is ended and what was written is removed on every way out. */
function endWithTheBench(bench: AsyncDisposable): AbortSignal {
  const stopping = new AbortController();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      stopping.abort();
      void endStartedProcesses()
        .then(() => bench[Symbol.asyncDispose]())
        .finally(() => process.exit(code));
    });
  }
  return stopping.signal;
}

function commitOf(repository: string): string {
  const git = (...argv: string[]) => execFileSync('git', ['-C', repository, ...argv], { encoding: 'utf8' }).trim();
  const isDirty = git('status', '--porcelain', '--untracked-files=no') !== '';
  return `${git('rev-parse', 'HEAD')}${isDirty ? ' with changes' : ''}`;
}
