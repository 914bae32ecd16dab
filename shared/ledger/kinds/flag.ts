import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat, type Finding } from '../check-kind.ts';
import { patternSchema } from './text-match.ts';
import { occupantSchema, treePathSchema } from './tree-path.ts';

const paramsSchema = z.strictObject({
  file: treePathSchema,
  /** Its first group is the value. */
  pattern: patternSchema.refine((pattern) => /\((?!\?)|\(\?</.test(pattern), 'expected a group around the value'),
  equals: z.string().max(512),
});
export type FlagParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  file: z.string().max(1024),
  is: occupantSchema,
  /** `undecided`: the pattern was still searching when its time was over. */
  search: z.enum(['done', 'undecided']),
  /** Above the number of `declarations` when there are more than were kept. */
  declarationCount: z.int().min(0),
  /** In the order of the file, the first of them; lines count from 1. */
  declarations: z.array(z.strictObject({ value: z.string().max(512), line: z.int().min(1) })).max(16),
});
export type FlagObservation = z.infer<typeof observationSchema>;

/** A constant that a file declares has a value, wherever the file declares it: a second, other value is no pass. */
export const flagKind: CheckKind<FlagParams, FlagObservation> = {
  kind: 'flag',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10_000,
  bearsCompany: true,
  judge({ file, pattern, equals }, seen) {
    const others = seen.declarations.filter(({ value }) => value !== equals);
    const isComplete = seen.search === 'done' && seen.declarationCount === seen.declarations.length;
    return {
      expectations: [
        expectEqual('file', file, seen.file),
        expectEqual(`"${file}" is`, 'file', seen.is),
        expectThat(`value of /${pattern}/`, {
          expected: equals,
          actual: actualText(seen),
          met: isComplete && seen.declarations.length > 0 && others.length === 0,
        }),
      ],
      findings: seen.declarationCount > 1 ? [declaredTwice(file, seen)] : [],
    };
  },
};

function actualText({ search, declarationCount, declarations }: FlagObservation): string {
  if (search === 'undecided') return 'pattern ran out of time';
  if (declarations.length === 0) return 'is not declared';
  const shown = declarations.map(({ value, line }) => `${value} (line ${line})`).join(', ');
  const more = declarationCount - declarations.length;
  return more === 0 ? shown : `${shown} and ${more} more`;
}

function declaredTwice(file: string, seen: FlagObservation): Finding {
  return {
    code: 'flag-declared-repeatedly',
    statement: `"${file}" declares the value ${seen.declarationCount} times: ${actualText(seen)}`,
  };
}
