/** One deployment by the command that people type, from its start to the signed verdict. */
import { type LedgerDocument, resultOf } from '../../../scripts/demo/demo-result.ts';
import { type ControlPlane, PASSED } from './control-plane.ts';
import type { BenchHost } from './host.ts';
import { type LedgerTimes, ledgerTimes } from './ledger-times.ts';

export interface Deployment {
  readonly runId: string;
  /** Of the whole process, from its start to its end. */
  readonly ms: number;
  /** As the ledger says it: all but the payload's own commands. */
  readonly ownMs: number;
  readonly tests: number;
  readonly files: number;
  readonly gates: readonly string[];
  readonly fetchedBytes: number;
  readonly copiedBytes: number;
  readonly times: LedgerTimes;
}

interface Document extends LedgerDocument {
  readonly run: string;
}

/** The slowest is the largest release of the growth figure. */
const TIMEOUT_MS = 15 * 60_000;

/** Errors: `Error` unless the verdict is A or B. */
export async function deploy(
  plane: ControlPlane,
  { host, release }: { host: BenchHost; release: string },
): Promise<Deployment> {
  const argv = ['deploy', release, '--host', host.name, '--watch'];
  const { document, ms } = await plane.query<Document>(argv, { expected: PASSED, timeoutMs: TIMEOUT_MS });
  const { tests, files, ownMs } = resultOf(document, { report: '', governed: undefined });
  using client = plane.connect('viewer');
  return {
    runId: document.run,
    ms,
    ownMs,
    tests: tests?.ran ?? 0,
    files,
    gates: document.gates.map(({ gate }) => gate),
    ...receivedBytes(document),
    times: await ledgerTimes(client, document.run),
  };
}

/** Takes the installation away again. */
export async function rollBack(
  plane: ControlPlane,
  { host, release }: { host: BenchHost; release: string },
): Promise<void> {
  await plane.run(['rollback', release, '--host', host.name, '--watch'], { expected: PASSED, timeoutMs: TIMEOUT_MS });
}

function receivedBytes({ gates }: Document): { fetchedBytes: number; copiedBytes: number } {
  const received = gates.flatMap(({ checks }) => checks).find(({ id }) => id === 'g4.received');
  const seen = received?.observation as { fetchedBytes?: number; copiedBytes?: number } | undefined;
  return { fetchedBytes: seen?.fetchedBytes ?? 0, copiedBytes: seen?.copiedBytes ?? 0 };
}
