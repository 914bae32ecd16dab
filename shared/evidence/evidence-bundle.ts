/** `keyturn.evidence/v1`: everything to judge one run by, years later and with no line to anywhere. */
import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { LOG_KINDS } from '../transparency/log-record.ts';
import { HASH_BYTES } from '../transparency/merkle.ts';
import { base64Member } from './base64-member.ts';
import { carriedTrustSchema } from './carried-trust.ts';
import { encodeExport, parseExport } from './export-document.ts';

export const EVIDENCE_SCHEMA = 'keyturn.evidence/v1';

/** A tree of 2^53 leaves has no longer path. */
const PROOF_HASH_COUNT = 53;

const recordSchema = z.strictObject({
  kind: z.enum(LOG_KINDS),
  document: base64Member(LIMITS.envelopeBytes),
  index: z.int().min(0),
  /** Of its inclusion under the one checkpoint. */
  proof: z.array(base64Member(HASH_BYTES)).max(PROOF_HASH_COUNT),
});
export type EvidenceRecord = z.infer<typeof recordSchema>;

const bundleSchema = z.strictObject({
  schema: z.literal(EVIDENCE_SCHEMA),
  trust: carriedTrustSchema.required({ releases: true }),
  /** The newest. */
  policy: base64Member(LIMITS.policyBytes),
  /**
   * The run's policy and those after it, oldest first, each with the targets metadata that listed it first; empty where the
   * run's is still the newest.
   */
  earlierPolicies: z
    .array(
      z.strictObject({
        targets: base64Member(LIMITS.trustMetadataBytes),
        policy: base64Member(LIMITS.policyBytes),
      }),
    )
    .max(LIMITS.earlierPolicyCount),
  release: z.strictObject({
    statement: base64Member(LIMITS.trustTargetBytes),
    manifest: base64Member(LIMITS.manifestBytes),
    plan: base64Member(LIMITS.planBytes),
    buildRecord: base64Member(LIMITS.buildRecordBytes),
    provenance: base64Member(LIMITS.trustTargetBytes),
  }),
  ledger: z.strictObject({
    /** In the order of the chain. */
    entries: z.array(base64Member(LIMITS.ledgerEntryBytes)).min(1).max(LIMITS.ledgerEntryCount),
    head: base64Member(LIMITS.envelopeBytes),
    /** SPKI PEM. */
    hostPublicKey: z.string().max(1_000),
  }),
  log: z.strictObject({
    checkpoint: base64Member(LIMITS.noteBytes),
    /** In the order of the log, each once. */
    records: z.array(recordSchema).max(LIMITS.evidenceRecordCount),
  }),
});
export type EvidenceBundle = z.infer<typeof bundleSchema>;

/** Errors: `evidence-too-large`. */
export function encodeEvidence(bundle: EvidenceBundle): Buffer {
  return encodeExport(bundle);
}

/** Errors: those of `parseExport`. */
export function parseEvidence(bytes: Uint8Array): EvidenceBundle {
  return parseExport(bytes, bundleSchema);
}
