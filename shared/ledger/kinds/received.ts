import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

const paramsSchema = z.strictObject({ manifestDigest: digest });
export type ReceivedParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  /** Of the manifest that every received byte was checked against. */
  manifestDigest: digest,
  files: count,
  bytes: count,
  /** Different contents among the files; each was fetched or copied once. */
  distinctFiles: count,
  fetchedFiles: count,
  fetchedBytes: count,
  /** Found on this host, and hashed like what was fetched. */
  copiedFiles: count,
  copiedBytes: count,
  /** What the signed manifest names. */
  manifestFiles: count,
  manifestBytes: count,
});
export type ReceivedObservation = z.infer<typeof observationSchema>;

/** Every file of the signed manifest was received with its signed digest (P1). */
export const receivedKind: CheckKind<ReceivedParams, ReceivedObservation> = {
  kind: 'received',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30_000,
  bearsCompany: true,
  judge: ({ manifestDigest }, seen) => ({
    expectations: [
      expectEqual('manifest digest', manifestDigest, seen.manifestDigest),
      expectEqual('files received', seen.manifestFiles, seen.files),
      expectEqual('bytes received', seen.manifestBytes, seen.bytes),
      expectThat('distinct files fetched or copied', {
        expected: String(seen.distinctFiles),
        actual: `${seen.fetchedFiles} fetched, ${seen.copiedFiles} copied`,
        met: seen.fetchedFiles + seen.copiedFiles === seen.distinctFiles && seen.distinctFiles <= seen.files,
      }),
    ],
    findings: [],
  }),
};
