/** What every check that starts a process sees of it: a part of the observations of `exec`, `entrypoint`, `refuses-live`. */
import { z } from 'zod';
import { expectThat, type Finding } from '../check-kind.ts';
import type { Expectation } from '../status.ts';

export const processSeenSchema = z.strictObject({
  /** Cut for the ledger: at most 33 arguments of at most 512 characters. */
  argv: z.array(z.string().max(512)).min(1).max(33),
  ended: z.discriminatedUnion('by', [
    z.strictObject({ by: z.literal('exit'), code: z.int().min(0).max(255) }),
    z.strictObject({ by: z.literal('signal'), signal: z.string().max(32) }),
    /** A bound of the sandbox ended it: `wall`, `memory`, `output`, ... */
    z.strictObject({ by: z.literal('limit'), limit: z.string().max(32) }),
  ]),
  durationMs: z.int().min(0),
  /** What it wrote to both streams, kept or not. */
  outputBytes: z.int().min(0),
  /** Every bound that was met, also one that the process survived. */
  limitsHit: z.array(z.string().max(32)).max(16),
  sandbox: z.strictObject({ kind: z.enum(['bubblewrap', 'none']), detail: z.string().max(256) }),
  network: z.boolean(),
  /** Names only; the values are redacted from everything that leaves the host (P7). */
  secrets: z.array(z.string().max(64)).max(64),
});
export type ProcessSeen = z.infer<typeof processSeenSchema>;

/** `exit 1`, `signal SIGKILL`, `limit wall`. */
export function endedText({ ended }: ProcessSeen): string {
  switch (ended.by) {
    case 'exit':
      return `exit ${ended.code}`;
    case 'signal':
      return `signal ${ended.signal}`;
    case 'limit':
      return `limit ${ended.limit}`;
  }
}

/** Met only by an exit of its own with one of `codes`; a death by signal or limit is no exit. */
export function expectExit(what: string, codes: readonly number[], seen: ProcessSeen): Expectation {
  return expectThat(what, {
    expected: codes.map((code) => `exit ${code}`).join(' or '),
    actual: endedText(seen),
    met: seen.ended.by === 'exit' && codes.includes(seen.ended.code),
  });
}

export function processFindings(seen: ProcessSeen): Finding[] {
  const unconfined: Finding = {
    code: 'ran-without-sandbox',
    statement: `"${seen.argv.join(' ')}" ran without a sandbox`,
  };
  const networked: Finding = {
    code: 'ran-with-network',
    statement: `"${seen.argv.join(' ')}" could reach the network`,
  };
  const limited: Finding = {
    code: 'limit-met',
    statement: `"${seen.argv.join(' ')}" met the limit on ${seen.limitsHit.join(', ')} and ended with ${endedText(seen)}`,
  };
  return [
    ...(seen.sandbox.kind === 'none' ? [unconfined] : []),
    ...(seen.network ? [networked] : []),
    ...(seen.limitsHit.length > 0 ? [limited] : []),
  ];
}
