/** Puts together everything that one run is judged by, and judges it before anybody takes it along. */
import { RejectedError } from '../../shared/errors.ts';
import { type LoggedDocument, mayConcern, recordsAbout } from '../../shared/evidence/about-run.ts';
import { EVIDENCE_SCHEMA, type EvidenceBundle, encodeEvidence } from '../../shared/evidence/evidence-bundle.ts';
import { subjectOf, type VerifiedEvidence, verifyEvidence } from '../../shared/evidence/verify-evidence.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { type LedgerBundle, readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseReleaseStatement, releaseTargetPath } from '../../shared/release/release-statement.ts';
import { MerkleTree } from '../../shared/transparency/merkle-tree.ts';
import type { NoteKey } from '../../shared/trust/verifier-key.ts';
import { walkLog } from './audit-log.ts';
import { exportReleaseTrust, policiesSince } from './export-trust.ts';
import { pinnedHostKey } from './host-keys.ts';
import type { Publisher } from './publication.ts';
import { fetchLedgerBundle, readBlob } from './run-ledger.ts';

export interface ExportedEvidence {
  readonly bytes: Buffer;
  /** As a verifier will find it who has pinned what this home has pinned. */
  readonly evidence: VerifiedEvidence;
}

/**
 * Errors: those of `fetchLedgerBundle`, `exportReleaseTrust`, `walkLog` and `verifyEvidence`; `run-not-admitted`,
 * `host-key-changed`.
 */
export async function exportEvidence(runId: string, publisher: Publisher): Promise<ExportedEvidence> {
  const { home } = publisher;
  const root = home.loadTrust().get('root.json') as Uint8Array;
  const { run, bundle } = await fetchLedgerBundle(runId, publisher);
  if (!bundle) throw notAdmitted(runId, run.host);
  const hostPublicKey = pinnedHostKey(home.folder, { host: run.host, shown: run.ledgerPublicKey });
  const ledger = readLedgerBundle(bundle, { kinds: checkKinds, hostPublicKey });
  const trusted = await trustOf(ledger, publisher);
  const document: EvidenceBundle = {
    schema: EVIDENCE_SCHEMA,
    ...trusted.members,
    release: await releaseOf(bundle, publisher),
    ledger: { entries: asBuffers(bundle.entries), head: Buffer.from(bundle.head), hostPublicKey },
    log: await logOf(ledger, { publisher, log: trusted.log }),
  };
  const bytes = encodeEvidence(document);
  return { bytes, evidence: await verifyEvidence(bytes, { root, kinds: checkKinds, hostPublicKey }) };
}

type TrustMembers = Pick<EvidenceBundle, 'trust' | 'policy' | 'earlierPolicies'>;

async function trustOf(
  { admitted }: VerifiedLedger,
  { home, source }: Publisher,
): Promise<{ members: TrustMembers; log: NoteKey }> {
  const { app, version, policyDigest } = admitted;
  const path = releaseTargetPath(app, version);
  const { trust, policy, log } = await exportReleaseTrust({ home, source }, { app, path });
  const since = { digest: policyDigest, from: targetsVersionOf(admitted.trust) };
  const earlierPolicies = await policiesSince(since, { newest: trust.targets, policy, source });
  return { members: { trust, policy, earlierPolicies }, log };
}

/** What the host had when it admitted the run; whoever verifies takes the policy by its digest, whatever this says. */
function targetsVersionOf(trust: readonly string[]): number {
  const [, version] = trust.map((line) => /^targets (\d{1,9})$/.exec(line)).find((match) => match !== null) ?? [];
  return Math.max(1, Number(version ?? 1));
}

async function releaseOf(
  { statement: bytes, plan, buildRecord }: LedgerBundle,
  { client }: Publisher,
): Promise<EvidenceBundle['release']> {
  const { manifest, provenance } = parseReleaseStatement(bytes);
  return {
    statement: Buffer.from(bytes),
    manifest: await readBlob(client, manifest, LIMITS.manifestBytes),
    plan: Buffer.from(plan),
    buildRecord: Buffer.from(buildRecord),
    provenance: await readBlob(client, provenance, LIMITS.trustTargetBytes),
  };
}

async function logOf(
  ledger: VerifiedLedger,
  { publisher, log }: { publisher: Publisher; log: NoteKey },
): Promise<EvidenceBundle['log']> {
  const subject = subjectOf(ledger);
  const candidates: (LoggedDocument & { readonly document: Buffer; readonly index: number })[] = [];
  let count = 0;
  const visit = (kind: LoggedDocument['kind'], document: Buffer): void => {
    if (mayConcern({ kind, document }, subject)) candidates.push({ kind, document, index: count });
    count += 1;
  };
  const { checkpoint, leafHashes } = await walkLog(publisher, { log, visit });
  const tree = MerkleTree.ofHashes(leafHashes);
  const records = recordsAbout(candidates, subject).map((record) => ({ ...record, proof: tree.proof(record.index) }));
  return { checkpoint, records };
}

function asBuffers(parts: readonly Uint8Array[]): Buffer[] {
  return parts.map((part) => Buffer.from(part));
}

function notAdmitted(runId: string, host: string): RejectedError {
  return new RejectedError('run-not-admitted', `failed to export run "${runId}": "${host}" has not admitted it`);
}
