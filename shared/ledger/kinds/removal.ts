/** The proof of a rollback: the one path is gone, and nothing else of the host changed with it (P5). */
import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';

const params = z.strictObject({ path: z.string() });

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
    const removed = seen.found === 'installation' ? 1 : 0;
    return {
      expectations: [
        expectEqual('the path is gone', false, seen.pathIsThere),
        expectThat('exactly the one path was removed', {
          expected: removed === 1 ? path : 'nothing to remove',
          actual: seen.removed.length === 0 ? 'nothing' : seen.removed.join(', '),
          met: seen.removed.length === removed,
        }),
        expectEqual('nothing was added', '', seen.added.join(', ')),
        expectEqual('nothing else changed', '', seen.changed.join(', ')),
      ],
      findings: [],
    };
  },
};
