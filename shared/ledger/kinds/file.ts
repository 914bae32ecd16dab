import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';
import { occupantSchema, treePathSchema } from './tree-path.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const mode = z.string().regex(/^0[0-7]{3}$/, 'expected four octal digits in quotes, such as "0644"');

const paramsSchema = z
  .strictObject({
    path: treePathSchema,
    exists: z.boolean().default(true),
    sha256: digest.optional(),
    mode: mode.optional(),
    /** A literal text, not a pattern. */
    contains: z.string().min(1).max(4096).optional(),
  })
  .refine(
    ({ exists, ...wanted }) => exists || (wanted.sha256 ?? wanted.mode ?? wanted.contains) === undefined,
    'expected no sha256, mode or contains of a file that must not exist',
  );
export type FileParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  path: z.string().max(1024),
  is: occupantSchema,
  /** Of a regular file only. */
  file: z.strictObject({ size: z.int().min(0), mode, sha256: digest, contains: z.boolean().optional() }).optional(),
});
export type FileObservation = z.infer<typeof observationSchema>;

/** A regular file inside the tree; symbolic links are never followed. */
export const fileKind: CheckKind<FileParams, FileObservation> = {
  kind: 'file',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 60_000,
  bearsCompany: true,
  judge({ path, exists, ...wanted }, { path: seenPath, is, file }) {
    const { sha256, mode, contains } = wanted;
    return {
      expectations: [
        expectEqual('path', path, seenPath),
        expectEqual(`"${path}" is`, exists ? 'file' : 'nothing', is),
        ...(sha256 === undefined ? [] : [expectEqual('sha256', sha256, file?.sha256 ?? 'none')]),
        ...(mode === undefined ? [] : [expectEqual('mode', mode, file?.mode ?? 'none')]),
        ...(contains === undefined ? [] : [expectText(contains, file?.contains)]),
      ],
      findings: [],
    };
  },
};

function expectText(wanted: string, isThere: boolean | undefined) {
  const actual = isThere === undefined ? 'was not looked for' : isThere ? 'is there' : 'is not there';
  return expectThat('content', { expected: `contains "${wanted}"`, actual, met: isThere === true });
}
