/**
 * The digests of preserved neighbours over the whole run. Each station compares with what its host remembered; here the
 * stations are compared with each other, by what they say that they read (P5).
 */
import { z } from 'zod';
import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';

const STATIONS = ['g3.anchors-before', 'g4.anchors-after', 'g7.anchors-rehearsed'];

const readings = z.object({
  anchors: z.array(z.object({ path: z.string(), reads: z.array(z.object({ digest: z.string().optional() })) })),
});

export interface AnchorReading {
  readonly row: CheckRow;
  /** Its place in the observation, for pointers. */
  readonly index: number;
  readonly path: string;
  /** Undefined for a read that found no content to hash. */
  readonly digests: readonly (string | undefined)[];
}

/** Every reading of every neighbour at the stations of the run, in the order of the ledger. */
export function anchorReadings(ledger: VerifiedLedger): AnchorReading[] {
  return ledger.summary.gates
    .flatMap((gate) => gate.checks)
    .filter((row) => STATIONS.includes(row.id))
    .flatMap(readingsOf);
}

/** Whether all stations passed, read every preserved neighbour, and saw one and the same digest of it. */
export function areAnchorsSteady(ledger: VerifiedLedger): boolean {
  const all = anchorReadings(ledger);
  return ledger.plan.install.preserve.every((name) => {
    const path = `${ledger.plan.install.root}/${name}`;
    const own = all.filter((reading) => reading.path === path && reading.row.status === 'PASS');
    const digests = new Set(own.flatMap((reading) => reading.digests));
    return own.length === STATIONS.length && digests.size === 1 && !digests.has(undefined);
  });
}

function readingsOf(row: CheckRow): AnchorReading[] {
  const result = row.evidence?.result;
  const seen = readings.safeParse(result?.did === 'observe' ? result.observation : undefined);
  if (!seen.success) return [];
  return seen.data.anchors.map(({ path, reads }, index) => ({
    row,
    index,
    path,
    digests: reads.map((read) => read.digest),
  }));
}
