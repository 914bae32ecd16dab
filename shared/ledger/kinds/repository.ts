import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';

const commit = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);

const observationSchema = z.strictObject({
  commit,
  /** The full name of the reference that was built, such as `refs/tags/v0.6`; empty for a bare commit id. */
  ref: z.string().max(1024),
  /** Seconds since 1970 of the commit. */
  committedAt: z.int().min(0),
  /** Paths that differ from the commit or that git does not know; a bare repository has none. */
  dirtyPathCount: z.int().min(0),
  worktree: z.enum(['clean', 'dirty', 'bare']),
  isShallow: z.boolean(),
  objectFormat: z.enum(['sha1', 'sha256']),
  /** Without credentials; empty where there is no remote, or only one on this machine. */
  remote: z.string().max(2048),
});
export type RepositoryObservation = z.infer<typeof observationSchema>;

const paramsSchema = z.strictObject({ commit });

/** The repository stood at the released commit, complete and with nothing uncommitted beside it. */
export const repositoryKind: CheckKind<z.infer<typeof paramsSchema>, RepositoryObservation> = {
  kind: 'repository',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 60_000,
  judge: (params, seen) => ({
    expectations: [
      expectEqual('commit', params.commit, seen.commit),
      expectEqual(
        'paths that differ from a commit',
        0,
        seen.worktree === 'dirty' ? Math.max(1, seen.dirtyPathCount) : seen.dirtyPathCount,
      ),
      expectEqual('history is cut off', false, seen.isShallow),
    ],
    findings: [],
  }),
};
