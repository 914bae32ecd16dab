/**
 * `npm run bench -- ship [--quick] [--only NAME] [--json]`: measures Keyturn beside what people use today, on this
 * machine, in this run. Prints a table and, as the last line, one JSON object; writes a document, a page and a chart to
 * `docs/benchmarks`. Ends with 0 when it ran, whatever the figures say.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY } from '../test/bench/keyturn/programs.ts';
import { describeMachine, loadPerCore } from '../test/bench/measure/machine.ts';
import { resultLine } from '../test/bench/measure/result-line.ts';
import { endStartedProcesses } from '../test/bench/measure/started-processes.ts';
import { textTable } from '../test/bench/measure/table.ts';
import { installPeers } from '../test/bench/peers/packages.ts';
import { Bench } from '../test/bench/ship/bench.ts';
import { type BenchArguments, benchArguments } from '../test/bench/ship/bench-arguments.ts';
import { SHIP_FIGURES } from '../test/bench/ship/figures.ts';
import { measureFigures } from '../test/bench/ship/measure-figures.ts';
import { type BenchRun, writeResults } from '../test/bench/ship/write-results.ts';
import { ensureRequirements } from './requirements.ts';

/** Above this the machine does something else, too. */
const BUSY_LOAD_PER_CORE = 0.5;

const options = benchArguments(process.argv.slice(2), SHIP_FIGURES);
ensureRequirements();
process.exitCode = await ship(options);

async function ship({ isQuick, isJson, only, programs, out }: BenchArguments): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const startedAt = new Date().toISOString();
  const before = loadPerCore();
  if (before > BUSY_LOAD_PER_CORE)
    say(`this machine is busy (load per core ${before.toFixed(2)}): the figures will not hold`);
  installPeers(say);
  await using bench = new Bench({ isQuick, programs, say });
  const stopped = endWithTheBench(bench);
  say(`everything below ${bench.folder}`);
  const figures = SHIP_FIGURES.filter(({ name }) => only.length === 0 || only.includes(name));
  const { results, broken } = await measureFigures(figures, { bench, say, signal: stopped });
  // What was measured until then is no result.
  if (stopped.aborted) return 1;
  const run: BenchRun = {
    bench: 'ship',
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
  if (folder !== undefined) say(`written: ${writeResults(folder, run).join(', ')}`);
  if (!isJson) process.stdout.write(`${textTable(results).join('\n')}\n`);
  if (broken.length > 0) say(`BROKEN, not measured: ${broken.join(', ')}`);
  process.stdout.write(`${resultLine('ship', results)}\n`);
  return broken.length === 0 ? 0 : 1;
}

/** What was started is ended and what was written is removed on every way out. */
function endWithTheBench(bench: Bench): AbortSignal {
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
