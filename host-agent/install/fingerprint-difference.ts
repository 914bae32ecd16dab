/** What changed on a host between two fingerprints. Pure. */
import { z } from 'zod';
import { encodeCanonical } from '../../shared/canonical-json.ts';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';

const fingerprintSchema = z.strictObject({
  schema: z.literal('keyturn.fingerprint/v1'),
  /** What must not change, each under a key such as `path:<name>`, `anchor:<name>`, `unit:<path>`, `process:<pid>`. */
  facts: z.record(z.string(), z.string()),
  /** Of all programs of the host, for people; others' ports come and go, so they are not compared. */
  listeningPorts: z.array(z.string()),
});
export type Fingerprint = z.infer<typeof fingerprintSchema>;

/** Keys of facts, sorted. */
export interface FingerprintDifference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export function compareFingerprints(
  before: Pick<Fingerprint, 'facts'>,
  after: Pick<Fingerprint, 'facts'>,
): FingerprintDifference {
  const keysBefore = Object.keys(before.facts);
  const keysAfter = Object.keys(after.facts);
  return {
    added: keysAfter.filter((key) => !Object.hasOwn(before.facts, key)).sort(),
    removed: keysBefore.filter((key) => !Object.hasOwn(after.facts, key)).sort(),
    changed: keysBefore
      .filter((key) => Object.hasOwn(after.facts, key) && before.facts[key] !== after.facts[key])
      .sort(),
  };
}

/** One digest over what must not change. */
export function fingerprintDigest(fingerprint: Fingerprint): Sha256 {
  return sha256(encodeCanonical(fingerprint.facts));
}

/** Reads a fingerprint from a saved fact. Errors: `RejectedError('fingerprint-malformed')`. */
export function parseFingerprint(value: unknown): Fingerprint {
  const parsed = fingerprintSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RejectedError('fingerprint-malformed', `failed to read fingerprint: ${z.prettifyError(parsed.error)}`);
}
