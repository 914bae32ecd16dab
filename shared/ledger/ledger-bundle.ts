/**
 * Everything that is needed to judge a run without asking anybody, and the one way to read it.
 *
 * 1. The host's key comes from the caller's own records; the bundle's copy is compared with it, never trusted.
 * 2. Statement, plan, build record and policy count only with the digests that the host recorded when it admitted the
 *    run, and those of the release only with the digests that its statement names.
 * 3. The summary is derived here from what was verified; a bundle holds no status, gate or verdict (P6).
 */

import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type BuildRecord, parseBuildRecord } from '../release/build-record.ts';
import { type Plan, parsePlan } from '../release/plan.ts';
import { installationName, parseReleaseStatement } from '../release/release-statement.ts';
import { publicKeyHex } from '../trust/keys.ts';
import { type Policy, parsePolicy } from '../trust/policy.ts';
import type { AnyCheckKind } from './check-kind.ts';
import { type AcceptedGap, deriveSummary, type LedgerSummary } from './derive.ts';
import { type LedgerEntryBody, parseEntry, type SealedEntry, verifyChain } from './entry.ts';
import { assertHeadCovers, type LedgerHead, verifyHead } from './head.ts';
import { installPath, type SignedRelease } from './planned-checks.ts';

/** The bytes as they were received; nothing in it is trusted. */
export interface LedgerBundle {
  /** Canonical JSON, in the order of the chain. */
  readonly entries: readonly Uint8Array[];
  /** The host-signed envelope. */
  readonly head: Uint8Array;
  /** SPKI PEM. */
  readonly hostPublicKey: string;
  readonly statement: Uint8Array;
  readonly plan: Uint8Array;
  readonly buildRecord: Uint8Array;
  readonly policy: Uint8Array;
}

export interface BundleTrust {
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  /** The key that we know this host by. Undefined only where the bundle is all there is: then say so to the reader. */
  readonly hostPublicKey: string | undefined;
}

declare const verified: unique symbol;

/** A run as its host signed it, with what follows from that. Only `readLedgerBundle` makes one. */
export interface VerifiedLedger {
  readonly [verified]: true;
  readonly entries: readonly SealedEntry[];
  readonly admitted: RunAdmitted;
  readonly head: LedgerHead;
  readonly release: SignedRelease;
  readonly plan: Plan;
  readonly buildRecord: BuildRecord;
  readonly policy: Policy;
  readonly acceptedGaps: readonly AcceptedGap[];
  readonly summary: LedgerSummary;
}

export type RunAdmitted = Extract<LedgerEntryBody, { type: 'run-admitted' }>;

/**
 * Verifies chain, head and digests, then derives the summary. Errors: `RejectedError` with the codes of `parseEntry`,
 * `verifyChain`, `verifyHead`, `assertHeadCovers` and of the four parsers, or `ledger-too-long`, `ledger-host-key-mismatch`,
 * `ledger-not-admitted`, `ledger-admitted-twice`, `ledger-digest-mismatch`, `ledger-release-mismatch`.
 */
export function readLedgerBundle(bundle: LedgerBundle, trust: BundleTrust): VerifiedLedger {
  checkHostKey(bundle, trust);
  const entries = readEntries(bundle.entries);
  const { run, host } = (entries[0] as SealedEntry).entry;
  const head = verifyHead(bundle.head, { publicKey: bundle.hostPublicKey, run, host });
  assertHeadCovers(head, entries);
  const admitted = admissionOf(entries);
  const release = readRelease(bundle, admitted);
  checkHeadNames(head, admitted);
  const buildRecord = parseBuildRecord(bundle.buildRecord);
  const policy = parsePolicy(bundle.policy);
  const acceptedGaps = policy.subGaps.accept;
  const requiredGates = policy.gates.required;
  const summary = deriveSummary({ entries, release, buildRecord, acceptedGaps, requiredGates, kinds: trust.kinds });
  const { plan } = release;
  return {
    entries,
    admitted,
    head,
    release,
    plan,
    buildRecord,
    policy,
    acceptedGaps,
    summary,
  } as unknown as VerifiedLedger;
}

function checkHostKey(bundle: LedgerBundle, trust: BundleTrust): void {
  if (trust.hostPublicKey === undefined) return;
  if (publicKeyHex(bundle.hostPublicKey) === publicKeyHex(trust.hostPublicKey)) return;
  throw rejected('ledger-host-key-mismatch', 'the bundle brings another key than the one this host is known by');
}

function readEntries(bytes: readonly Uint8Array[]): SealedEntry[] {
  if (bytes.length > LIMITS.ledgerEntryCount) {
    throw rejected('ledger-too-long', `${bytes.length} entries, expected at most ${LIMITS.ledgerEntryCount}`);
  }
  const entries = bytes.map(parseEntry);
  verifyChain(entries);
  return entries;
}

function admissionOf(entries: readonly SealedEntry[]): RunAdmitted {
  const [first, ...others] = entries.map(({ entry }) => entry.body);
  if (first?.type !== 'run-admitted') {
    throw rejected('ledger-not-admitted', `the first entry is "${first?.type}", expected "run-admitted"`);
  }
  const again = others.findIndex((body) => body.type === 'run-admitted');
  if (again >= 0) throw rejected('ledger-admitted-twice', `entry ${again + 1} is "run-admitted" again`);
  return first;
}

function readRelease(bundle: LedgerBundle, admitted: RunAdmitted): SignedRelease {
  checkDigest('release statement', bundle.statement, admitted.statementDigest);
  checkDigest('plan', bundle.plan, admitted.planDigest);
  checkDigest('build record', bundle.buildRecord, admitted.buildRecordDigest);
  checkDigest('policy', bundle.policy, admitted.policyDigest);
  const statement = parseReleaseStatement(bundle.statement);
  const plan = parsePlan(bundle.plan);
  checkSame('plan digest', statement.plan.sha256, admitted.planDigest);
  checkSame('build record digest', statement.buildRecord.sha256, admitted.buildRecordDigest);
  checkSame('manifest digest', statement.manifest.sha256, admitted.manifestDigest);
  checkSame('tree digest', statement.treeDigest, admitted.treeDigest);
  checkSame('commit', statement.commit, admitted.commit);
  checkSame('app', statement.app, admitted.app);
  checkSame('version', statement.version, admitted.version);
  checkSame("plan's app", plan.app, statement.app);
  checkSame("plan's version", plan.version, statement.version);
  const release = { statement, plan, statementDigest: admitted.statementDigest };
  checkInstallPath(release, admitted);
  return release;
}

/** An absolute folder, or nothing; without characters that could break a line of a report. */
const ROOT_PREFIX = /^(\/[^/\p{Cc}]+)*$/u;

/** Reports tell people to remove this path, so a host must not name another one than the plan's (below its root prefix). */
function checkInstallPath(release: SignedRelease, { installPath: actual }: RunAdmitted): void {
  const planned = installPath(release);
  const prefix = actual.slice(0, -planned.length);
  if (actual === prefix + planned && ROOT_PREFIX.test(prefix) && !prefix.split('/').includes('..')) return;
  throw rejected('ledger-release-mismatch', `install path is "${actual}", expected one that ends in "${planned}"`);
}

function checkHeadNames(head: LedgerHead, admitted: RunAdmitted): void {
  checkSame("head's subject", head.subject, installationName(admitted.app, admitted.version));
  checkSame("head's tree digest", head.treeDigest, admitted.treeDigest);
  checkSame("head's plan digest", head.planDigest, admitted.planDigest);
  checkSame("head's policy digest", head.policyDigest, admitted.policyDigest);
}

function checkDigest(what: string, bytes: Uint8Array, expected: Sha256): void {
  const actual = sha256(bytes);
  if (actual === expected) return;
  throw rejected('ledger-digest-mismatch', `${what} is "${actual}", the host admitted "${expected}"`);
}

function checkSame(what: string, actual: string, expected: string): void {
  if (actual === expected) return;
  throw rejected('ledger-release-mismatch', `${what} is "${actual}", expected "${expected}"`);
}

function rejected(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to read ledger bundle: ${reason}`);
}
