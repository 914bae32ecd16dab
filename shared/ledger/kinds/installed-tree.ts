import { z } from 'zod';
import { type CheckKind, expectEqual } from '../check-kind.ts';
import { expectPlanPath, hostPathSchema } from './host-path.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const paramsSchema = z.strictObject({ path: z.string(), treeDigest: digest });
export type InstalledTreeParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  path: hostPathSchema,
  /** Hashed from disk, `DEPLOY-MANIFEST.txt` left out. */
  treeDigest: digest,
  files: z.int().min(0),
  bytes: z.int().min(0),
  /** Of the installation's own folder, octal. */
  mode: z.string().max(8),
  /** What `DEPLOY-MANIFEST.txt` says: that this run made the installation, of this tree. */
  deployManifest: z.enum(['names-this-run', 'names-another-run', 'missing']),
});
export type InstalledTreeObservation = z.infer<typeof observationSchema>;

/** What stands at the install path is the signed tree, byte for byte and mode for mode. */
export const installedTreeKind: CheckKind<InstalledTreeParams, InstalledTreeObservation> = {
  kind: 'installed-tree',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 30 * 60_000,
  bearsCompany: true,
  judge: ({ path, treeDigest }, seen) => ({
    expectations: [
      expectPlanPath(path, seen.path),
      expectEqual('tree digest', treeDigest, seen.treeDigest),
      expectEqual('mode of the folder', '755', seen.mode),
      expectEqual('DEPLOY-MANIFEST.txt', 'names-this-run', seen.deployManifest),
    ],
    findings: [],
  }),
};
