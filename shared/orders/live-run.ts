/** What a host says of a live process, signed with the key of its ledgers: that it was started by which order, and how it ended. */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import type { Sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { NAME_PATTERN } from '../release/plan.ts';
import { APP_PATTERN, installationName, VERSION_PATTERN } from '../release/release-statement.ts';
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../trust/dsse.ts';
import { parsePublicKey, type SigningKey } from '../trust/keys.ts';
import { encodeStatement, LIVE_RUN_PREDICATE, parseStatement, STATEMENT_PAYLOAD_TYPE } from '../trust/statement.ts';
import { instantOf, instantSchema, msOf } from './instant.ts';

/** Characters of each stream that are kept, beginning and end. */
export const LIVE_OUTPUT_CHARACTERS = 16_384;
/** Lines of descriptor 3 that are kept, the last ones. */
export const LIVE_LINE_COUNT = 32;
export const LIVE_LINE_CHARACTERS = 4_096;

const endSchema = z.strictObject({
  at: instantSchema,
  /** `exit 0`, `signal SIGKILL`, `limit memory`, `stopped`, ... */
  how: z.string().min(1).max(4_096),
  /** Redacted, and cut. */
  stdout: z.string().max(LIVE_OUTPUT_CHARACTERS),
  stderr: z.string().max(LIVE_OUTPUT_CHARACTERS),
  /** What it wrote to descriptor 3, such as its closeout. */
  lines: z.array(z.string().max(LIVE_LINE_CHARACTERS)).max(LIVE_LINE_COUNT),
  outputBytes: z.int().min(0),
});

const predicateSchema = z.strictObject({
  host: z.string().min(1).max(253),
  app: z.string().regex(APP_PATTERN),
  version: z.string().regex(VERSION_PATTERN),
  live: z.string().min(1).max(64),
  entrypoint: z.string().regex(NAME_PATTERN),
  /** Digest of the order's envelope. */
  order: z.string().regex(/^[0-9a-f]{64}$/),
  epoch: z.int().min(0),
  startedAt: instantSchema,
  ended: endSchema.optional(),
});

export interface LiveRunRecord {
  readonly host: string;
  readonly app: string;
  readonly version: string;
  readonly treeDigest: Sha256;
  readonly live: string;
  readonly entrypoint: string;
  readonly order: Sha256;
  readonly epoch: number;
  readonly startedAtMs: number;
  /** Undefined while it runs. */
  readonly ended: LiveEnd | undefined;
}

export interface LiveEnd {
  readonly atMs: number;
  readonly how: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly lines: readonly string[];
  readonly outputBytes: number;
}

/** Errors: zod's when a member has the wrong shape. */
export function signLiveRun({ treeDigest, startedAtMs, ended, ...rest }: LiveRunRecord, key: SigningKey): Buffer {
  const end = ended && { ...ended, at: instantOf(ended.atMs), atMs: undefined };
  const predicate = predicateSchema.parse({
    ...rest,
    startedAt: instantOf(startedAtMs),
    ...(end && { ended: withoutUndefined(end) }),
  });
  const statement = encodeStatement({
    subject: [{ name: installationName(rest.app, rest.version), digest: { sha256: treeDigest } }],
    predicateType: LIVE_RUN_PREDICATE,
    predicate: predicate as unknown as Readonly<Record<string, Json>>,
  });
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, statement, [key]);
}

/** Errors: those of `verifyEnvelope` and `parseStatement`; `live-run-malformed`, `live-run-of-another-host`. */
export function verifyLiveRun(
  envelope: Uint8Array,
  { host, publicKey }: { host: string; publicKey: string },
): LiveRunRecord {
  const verified = verifyEnvelope(parseEnvelope(envelope), [parsePublicKey(publicKey, "the host's key")], {
    payloadType: STATEMENT_PAYLOAD_TYPE,
    threshold: 1,
  });
  const { subject, predicate } = parseStatement(verified, LIVE_RUN_PREDICATE);
  const parsed = predicateSchema.safeParse(predicate);
  const [tree, ...others] = subject;
  if (!parsed.success || !tree || others.length > 0) {
    throw new RejectedError('live-run-malformed', 'failed to read what a host says of a live run: it is malformed');
  }
  const { startedAt, ended, ...rest } = parsed.data;
  if (rest.host !== host) {
    throw new RejectedError(
      'live-run-of-another-host',
      `failed to read what a host says of a live run: it is of "${rest.host}"`,
    );
  }
  const { at, ...end } = ended ?? { at: '' };
  return {
    ...rest,
    treeDigest: tree.digest.sha256,
    startedAtMs: msOf(startedAt),
    ended: ended && ({ ...end, atMs: msOf(at) } as LiveEnd),
  };
}

function withoutUndefined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, member]) => member !== undefined));
}
