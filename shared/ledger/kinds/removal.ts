/** The proof of a rollback: the one path is gone, and nothing else of the host changed with it (P5). */
import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { expectKeys } from './host-difference.ts';

const params = z.strictObject({ path: z.string() });

/** Such as `path:<name>`; the host cuts a long list, and one that was cut is never empty or of one. */
const difference = z.array(z.string().max(1024)).max(200);

const observation = z.strictObject({
  /** What stood at the path when the removal began. */
  found: z.enum(['installation', 'nothing']),
  pathIsThere: z.boolean(),
  /** Between the fingerprint just before the removal and the one just after. */
  added: difference,
  removed: difference,
  changed: difference,
  durationMs: z.int().min(0),
});

export type RemovalParams = z.infer<typeof params>;
export type RemovalObservation = z.infer<typeof observation>;

export const removalKind: CheckKind<RemovalParams, RemovalObservation> = {
  kind: 'removal',
  params,
  observation,
  timeoutMs: 10 * 60 * 1000,
  judge({ path }, seen) {
    const removed = seen.found === 'installation' ? [`path:${path.slice(path.lastIndexOf('/') + 1)}`] : [];
    return {
      expectations: [
        expectEqual('the path is gone', false, seen.pathIsThere),
        expectKeys('removed from the host', { expected: removed, actual: seen.removed }),
        expectKeys('added to the host', { expected: [], actual: seen.added }),
        expectKeys('changed on the host', { expected: [], actual: seen.changed }),
      ],
      findings: [],
    };
  },
};
