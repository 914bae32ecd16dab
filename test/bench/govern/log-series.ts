/** The same work on a log with few entries and on one with many, in turn. */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { verifyLogProof } from '../../../shared/transparency/log-proof.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import { LOG } from '../../support/enable-world.ts';
import { Seeded } from '../measure/seeded-content.ts';
import type { Bench } from './bench.ts';
import { FullLog } from './full-log.ts';
import { quickNote } from './scale.ts';

/** Milliseconds of one append, durable, and of one proof under a checkpoint signed for it. */
export interface LogReading {
  readonly appendMs: number;
  readonly proofMs: number;
}

export interface LogRound {
  readonly few: LogReading;
  readonly many: LogReading;
}

export function logRounds(bench: Bench): Promise<LogRound[]> {
  return bench.once('logs', async () => {
    const { leaves, readings } = bench.scale;
    const folder = bench.newFolder('logs');
    bench.say(`filling logs of ${leaves.few} and ${leaves.many} entries`);
    await using few = await FullLog.fill(join(folder, 'few.sqlite'), leaves.few);
    await using many = await FullLog.fill(join(folder, 'many.sqlite'), leaves.many);
    const seeded = new Seeded('log');
    const rounds: LogRound[] = [];
    // The first of each side runs code that nothing has run before.
    for (let round = 0; round <= readings; round += 1) {
      const readFew = () => read(few, { number: leaves.few + round, at: seeded.below(leaves.few) });
      const readMany = () => read(many, { number: leaves.many + round, at: seeded.below(leaves.many) });
      // Each comes first as often as the other.
      const firstMany = round % 2 === 0 ? undefined : await readMany();
      const readingOfFew = await readFew();
      rounds.push({ few: readingOfFew, many: firstMany ?? (await readMany()) });
    }
    return rounds.slice(1);
  });
}

/** Appends the document of that number, which is the log's next, and proves the entry `at`. */
async function read({ log }: FullLog, { number, at }: { number: number; at: number }): Promise<LogReading> {
  const appendedAtMs = performance.now();
  const places = await log.append([FullLog.document(number)]);
  const provedAtMs = performance.now();
  const { proof, size } = await log.proofOf(at);
  const endedAtMs = performance.now();
  const { kind, document } = FullLog.document(at);
  const checkpoint = verifyLogProof(proof, { leaf: encodeLogRecord(kind, document), log: LOG });
  if (places[0] !== number || checkpoint.size !== size || size !== number + 1) {
    throw new Error(`entry ${number} stands at ${places[0]}, under a checkpoint of ${checkpoint.size}`);
  }
  return { appendMs: provedAtMs - appendedAtMs, proofMs: endedAtMs - provedAtMs };
}

export function logNote({ scale }: Bench): string[] {
  return quickNote(scale, `${scale.leaves.many} entries ÷ ${scale.leaves.few}`);
}
