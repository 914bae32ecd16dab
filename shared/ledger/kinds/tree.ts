import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { occupantSchema, treePathSchema } from './tree-path.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const paramsSchema = z.strictObject({
  path: treePathSchema,
  /** Where `path` begins: in the installed tree, or in the install root beside it. */
  from: z.enum(['tree', 'install-root']).default('tree'),
  /** The tree digest that the folder must have. */
  equals: digest,
});
export type TreeParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  path: z.string().max(1024),
  from: z.enum(['tree', 'install-root']),
  is: occupantSchema,
  /** Absent where there is no folder. */
  treeDigest: digest.optional(),
  entryCount: z.int().min(0),
});
export type TreeObservation = z.infer<typeof observationSchema>;

/** A folder has exactly the content that a tree digest stands for. */
export const treeKind: CheckKind<TreeParams, TreeObservation> = {
  kind: 'tree',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 600_000,
  bearsCompany: true,
  judge({ path, from, equals }, seen) {
    return {
      expectations: [
        expectEqual('path', `${path} in ${from}`, `${seen.path} in ${seen.from}`),
        expectEqual(`"${path}" is`, 'folder', seen.is),
        expectEqual('tree digest', equals, seen.treeDigest ?? 'none'),
      ],
      findings: [],
    };
  },
};
