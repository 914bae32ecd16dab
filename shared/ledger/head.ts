/**
 * The head of a ledger: the host's signature over where its chain ends, which fixes every entry before it.
 *
 * 1. A head says run, host, size and the last entry's digest, and names the release's tree as its subject.
 * 2. Only `verifyHead` makes a `LedgerHead`, with exactly one signature, by the key that the caller trusts for the host.
 * 3. An older head of the same run stays valid for the entries that it covers, and for no others.
 */
import { z } from 'zod';
import type { Json } from '../canonical-json.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { installationName } from '../release/release-statement.ts';
import { parseEnvelope, signEnvelope, verifyEnvelope } from '../trust/dsse.ts';
import { parsePublicKey, type SigningKey } from '../trust/keys.ts';
import {
  encodeStatement,
  LEDGER_HEAD_PREDICATE,
  parseStatement,
  STATEMENT_PAYLOAD_TYPE,
  type Statement,
} from '../trust/statement.ts';
import { GENESIS, type SealedEntry } from './entry.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const predicateSchema = z.strictObject({
  run: z.string().min(1).max(64),
  host: z.string().min(1).max(253),
  /** How many entries the chain has. */
  size: z.int().min(1).max(LIMITS.ledgerEntryCount),
  /** The digest of the last entry. */
  head: digest.refine((value) => value !== GENESIS, 'expected the digest of an entry'),
  planDigest: digest,
  policyDigest: digest,
  /** ISO 8601, UTC, milliseconds. */
  at: z.iso.datetime({ precision: 3 }),
});
type HeadPredicate = z.infer<typeof predicateSchema>;

/** What a host signs. */
export interface HeadFacts extends HeadPredicate {
  readonly app: string;
  readonly version: string;
  readonly treeDigest: string;
}

declare const verified: unique symbol;

/** A head whose signature was verified with the host's key. */
export interface LedgerHead extends Readonly<HeadPredicate> {
  readonly [verified]: true;
  /** `<app>-<version>`. */
  readonly subject: string;
  readonly treeDigest: string;
}

export interface HeadAudience {
  /** The host's Ed25519 key, SPKI PEM. */
  readonly publicKey: string;
  readonly run: string;
  readonly host: string;
}

/** Signs the head of a ledger; returns the envelope. Errors: zod's, when a fact has the wrong shape. */
export function signHead({ app, version, treeDigest, ...predicate }: HeadFacts, key: SigningKey): Buffer {
  const statement = encodeStatement({
    subject: [{ name: installationName(app, version), digest: { sha256: treeDigest } }],
    predicateType: LEDGER_HEAD_PREDICATE,
    predicate: { ...predicateSchema.parse(predicate) } as Readonly<Record<string, Json>>,
  });
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, statement, [key]);
}

/**
 * Verifies a head of that run on that host. Errors: `RejectedError` with the codes of `parseEnvelope`,
 * `verifyEnvelope` and `parseStatement`, or `too-many-signatures`, `ledger-head-malformed`, `ledger-head-of-another-run`,
 * `ledger-head-of-another-host`.
 */
export function verifyHead(envelopeBytes: Uint8Array, audience: HeadAudience): LedgerHead {
  const envelope = parseEnvelope(envelopeBytes);
  if (envelope.signatures.length !== 1) {
    throw rejected('too-many-signatures', `${envelope.signatures.length} signatures, expected the host's alone`);
  }
  const keyring = [parsePublicKey(audience.publicKey, "the host's key")];
  const trusted = verifyEnvelope(envelope, keyring, { payloadType: STATEMENT_PAYLOAD_TYPE, threshold: 1 });
  const head = readHead(parseStatement(trusted, LEDGER_HEAD_PREDICATE));
  if (head.run !== audience.run) {
    throw rejected('ledger-head-of-another-run', `run "${head.run}", expected "${audience.run}"`);
  }
  if (head.host !== audience.host) {
    throw rejected('ledger-head-of-another-host', `host "${head.host}", expected "${audience.host}"`);
  }
  return head;
}

/**
 * Checks that the head is the head of exactly these entries, whose chain was verified. Errors: `RejectedError` with
 * `ledger-head-size-mismatch` or `ledger-head-mismatch`.
 */
export function assertHeadCovers(head: LedgerHead, entries: readonly SealedEntry[]): void {
  if (head.size !== entries.length) {
    throw rejected('ledger-head-size-mismatch', `it covers ${head.size} entries, got ${entries.length}`);
  }
  const last = entries.at(-1);
  if (last?.digest !== head.head) {
    throw rejected('ledger-head-mismatch', `it names "${head.head}", the last entry is "${last?.digest}"`);
  }
  if (last.entry.run !== head.run || last.entry.host !== head.host) {
    throw rejected('ledger-head-mismatch', `it is of run "${head.run}" on "${head.host}", the entries are not`);
  }
}

function readHead({ subject, predicate }: Statement): LedgerHead {
  const parsed = predicateSchema.safeParse(predicate);
  if (!parsed.success) throw rejected('ledger-head-malformed', z.prettifyError(parsed.error));
  const [release, ...more] = subject;
  if (release === undefined || more.length > 0) {
    throw rejected('ledger-head-malformed', `${subject.length} subjects, expected the release alone`);
  }
  return { ...parsed.data, subject: release.name, treeDigest: release.digest.sha256 } as LedgerHead;
}

function rejected(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to verify ledger head: ${reason}`);
}
