import { z } from 'zod';
import type { ReceivedObservation } from '../../../shared/ledger/kinds/received.ts';
import { manifestFiles } from '../../../shared/release/manifest.ts';
import { type Observe, observed } from '../observe.ts';
import { loadFact } from './check-facts.ts';

const count = z.int().min(0);
/** A `ReceiveReport`, as the run saved it behind the step. */
const reportSchema = z.strictObject({
  manifestDigest: z.string(),
  files: count,
  bytes: count,
  distinctFiles: count,
  fetchedFiles: count,
  fetchedBytes: count,
  copiedFiles: count,
  copiedBytes: count,
});

export const observeReceived: Observe = async ({ facts, manifest }) => {
  const report = loadFact(facts, { name: 'received', schema: reportSchema });
  const files = manifestFiles(manifest);
  return observed({
    ...report,
    manifestFiles: files.length,
    manifestBytes: files.reduce((sum, { size }) => sum + size, 0),
  } satisfies ReceivedObservation);
};
