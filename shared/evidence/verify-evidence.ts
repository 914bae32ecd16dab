/**
 * Judges a run by one file and one pinned root: no clock, no network, no word of whoever made the file.
 *
 * 1. What contradicts the root, the host's key, the policies or the log is refused with its code; the first one is the answer.
 * 2. What no part of the file can show is an open point, which is said and never counted as proven (P6).
 * 3. That something is in the log is shown; that nothing else is, only the whole log shows (`log-export.ts`).
 */
import { type Sha256, sha256 } from '../digest.ts';
import { RejectedError } from '../errors.ts';
import type { AnyCheckKind } from '../ledger/check-kind.ts';
import { readLedgerBundle, type VerifiedLedger } from '../ledger/ledger-bundle.ts';
import { manifestTreeDigest, parseManifest } from '../release/manifest.ts';
import { parseReleaseStatement, type ReleaseStatement, releaseTargetPath } from '../release/release-statement.ts';
import { type Checkpoint, verifyCheckpoint } from '../transparency/checkpoint.ts';
import { encodeLogRecord } from '../transparency/log-record.ts';
import { leafHash, provesInclusion } from '../transparency/merkle.ts';
import { parsePublicKey } from '../trust/keys.ts';
import { type Labels, logOf, POLICY_PATH, type Policy } from '../trust/policy.ts';
import { decodeJsonObject, isJsonArray, isJsonObject } from '../trust/strict-json.ts';
import { releaseRoleOf } from '../trust/tuf-metadata.ts';
import { checkMetadata } from '../trust/tuf-rules.ts';
import { mayConcern, type RunSubject, recordsAbout } from './about-run.ts';
import { isMetByAnyRule } from './approval-review.ts';
import { type EvidenceBundle, type EvidenceRecord, parseEvidence } from './evidence-bundle.ts';
import { type PolicyInForce, policiesOf } from './policy-history.ts';
import { type RecordReviews, reviewRecords } from './record-review.ts';
import { type TrustStanding, verifyTrust } from './verified-trust.ts';

export interface EvidenceTrust {
  /** The bytes of `root.json`, of any version from which the carried roots lead on. */
  readonly root: Uint8Array;
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  /** The key that somebody vouches for as the host's, SPKI PEM. Without it the file's own is used, and an open point says so. */
  readonly hostPublicKey?: string;
  /** The host's, for choosing its rule; without them all rules are shown. */
  readonly labels?: Labels;
  /** For saying what has run out since; nothing is said to have where it is left out. */
  readonly nowMs?: number;
}

export type OpenCode = 'host-key-not-pinned' | 'verdict-not-in-log' | 'rule-unknown';

/** What the file cannot show. */
export interface OpenPoint {
  readonly code: OpenCode;
  readonly statement: string;
}

declare const verified: unique symbol;

/** Only `verifyEvidence` makes one. */
export interface VerifiedEvidence extends RecordReviews {
  readonly [verified]: true;
  readonly trust: TrustStanding;
  readonly release: ReleaseStatement;
  readonly ledger: VerifiedLedger;
  readonly hostKey: { readonly keyId: string; readonly isPinned: boolean };
  readonly policies: readonly PolicyInForce[];
  readonly log: Checkpoint;
  readonly open: readonly OpenPoint[];
}

/**
 * Errors: those of `parseEvidence`, `verifyTrust`, `policiesOf`, `readLedgerBundle`, `verifyCheckpoint` and `reviewRecords`;
 * `release-content-differs`, `provenance-malformed`, `policy-names-no-log`, `log-records-out-of-order`, `not-in-log`,
 * `record-not-about-run`.
 */
export async function verifyEvidence(bytes: Uint8Array, trusted: EvidenceTrust): Promise<VerifiedEvidence> {
  const bundle = parseEvidence(bytes);
  const trust = await checkTrust(bundle, trusted);
  const policies = policiesOf(bundle);
  const ledger = checkLedger(bundle, trusted);
  const release = checkRelease(bundle);
  const log = checkLog(bundle.log, bundle.log.records, newestOf(policies));
  checkSelection(bundle.log.records, ledger);
  const { hostPublicKey } = bundle.ledger;
  const judges = { policies, releasers: releasersOf(bundle, release.app), labels: trusted.labels };
  const reviews = reviewRecords(bundle.log.records, { ...judges, ledger, hostPublicKey });
  const { keyId } = parsePublicKey(hostPublicKey, "the host's key");
  const hostKey = { keyId, isPinned: trusted.hostPublicKey !== undefined };
  const found = { trust, release, ledger, hostKey, policies, log, ...reviews };
  return { ...found, open: openPointsOf(found) } as unknown as VerifiedEvidence;
}

async function checkTrust(
  { trust, release, policy }: EvidenceBundle,
  { root, nowMs = 0 }: EvidenceTrust,
): Promise<TrustStanding> {
  const { app, version } = parseReleaseStatement(release.statement);
  const targets = new Map([
    [releaseTargetPath(app, version), release.statement],
    [POLICY_PATH, policy],
  ]);
  return verifyTrust(trust, { root, targets, app, nowMs });
}

function checkLedger(
  { release, ledger, policy, earlierPolicies }: EvidenceBundle,
  { kinds, hostPublicKey }: EvidenceTrust,
): VerifiedLedger {
  const { statement, plan, buildRecord } = release;
  const ofRun = earlierPolicies[0]?.policy ?? policy;
  return readLedgerBundle({ ...ledger, statement, plan, buildRecord, policy: ofRun }, { kinds, hostPublicKey });
}

/** What the statement names beside what the ledger has been read with. */
function checkRelease({ release: { statement: bytes, manifest, provenance } }: EvidenceBundle): ReleaseStatement {
  const statement = parseReleaseStatement(bytes);
  checkContent('manifest', manifest, statement.manifest.sha256);
  checkContent('provenance', provenance, statement.provenance.sha256);
  const tree = manifestTreeDigest(parseManifest(manifest));
  if (tree !== statement.treeDigest)
    throw refused('release-content-differs', `the manifest is of tree "${tree}", the statement names another`);
  checkProvenance(provenance, statement);
  return statement;
}

function checkContent(what: string, bytes: Uint8Array, expected: Sha256): void {
  const actual = sha256(bytes);
  if (actual !== expected)
    throw refused('release-content-differs', `the ${what} is "${actual}", the statement names "${expected}"`);
}

/** That it is about this archive. */
function checkProvenance(bytes: Uint8Array, { archive }: ReleaseStatement): void {
  const { subject } = decodeJsonObject(bytes, { what: 'provenance', code: 'provenance-malformed' });
  const [about] = isJsonArray(subject) ? subject : [];
  const digest = isJsonObject(about) && isJsonObject(about.digest) ? about.digest.sha256 : undefined;
  if (digest !== archive.sha256) throw refused('provenance-malformed', 'the provenance is not about the archive');
}

function checkLog(
  { checkpoint }: EvidenceBundle['log'],
  records: readonly EvidenceRecord[],
  policy: Policy,
): Checkpoint {
  const key = logOf(policy);
  if (!key) throw refused('policy-names-no-log', 'the newest policy names no log');
  const log = verifyCheckpoint(checkpoint, key);
  for (const [position, { kind, document, index, proof }] of records.entries()) {
    if (position > 0 && (records[position - 1]?.index ?? 0) >= index)
      throw refused('log-records-out-of-order', `record ${index} of the log stands behind a later one`);
    const leaf = leafHash(encodeLogRecord(kind, document));
    if (!provesInclusion({ leaf, index, proof, size: log.size, root: log.root }))
      throw refused('not-in-log', `the log has another record than this ${kind} at ${index}`);
  }
  return log;
}

function checkSelection(records: readonly EvidenceRecord[], ledger: VerifiedLedger): void {
  const subject = subjectOf(ledger);
  const about = new Set(recordsAbout(records, subject));
  const stray = records.find((record) => !about.has(record));
  if (!stray) return;
  const isAnswer = stray.kind === 'receipt' && mayConcern(stray, subject);
  const why = isAnswer ? 'answers an order that is not here' : 'is about something else';
  throw refused('record-not-about-run', `the ${stray.kind} at ${stray.index} of the log ${why}`);
}

/** What a run is looked up by in the log. */
export function subjectOf({ summary, admitted, entries }: VerifiedLedger): RunSubject {
  const { run, host } = summary;
  const { app, treeDigest } = admitted;
  return { run, host, app, treeDigest, admittedAtMs: Date.parse(entries[0]?.entry.at ?? '') };
}

/** Whose signatures stand on the role that lists the release. For metadata that was verified. */
function releasersOf({ trust }: EvidenceBundle, app: string): ReadonlySet<string> {
  const { delegations } = checkMetadata('targets', trust.targets).signed;
  const role = delegations?.roles.find(({ name }) => name === releaseRoleOf(app));
  const { signatures } = checkMetadata(releaseRoleOf(app), trust.releases);
  const keyIds = signatures.map(({ keyid }) => keyid).filter((keyId) => role?.keyids.includes(keyId));
  return new Set(keyIds.flatMap((keyId) => delegations?.keys[keyId]?.keyval.public ?? []));
}

function newestOf(policies: readonly PolicyInForce[]): Policy {
  return (policies.at(-1) as PolicyInForce).policy;
}

function openPointsOf({
  hostKey,
  verdicts,
  orders,
  ledger,
}: Pick<VerifiedEvidence, 'hostKey' | 'verdicts' | 'orders' | 'ledger'>): OpenPoint[] {
  const points: OpenPoint[] = [];
  const { host } = ledger.summary;
  if (!hostKey.isPinned) {
    const statement = `that key ${hostKey.keyId} is the one of ${host} is said by this file alone: compare it with the host's own`;
    points.push({ code: 'host-key-not-pinned', statement });
  }
  if (verdicts.length === 0)
    points.push({ code: 'verdict-not-in-log', statement: 'the log has no head of this ledger yet' });
  const unclear = orders.filter((order) => !isMetByAnyRule(order));
  for (const { index } of unclear) {
    const statement = `the order at ${index} of the log meets some rules and not others: say the labels of ${host}`;
    points.push({ code: 'rule-unknown', statement });
  }
  return points;
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to verify evidence: ${reason}`);
}
