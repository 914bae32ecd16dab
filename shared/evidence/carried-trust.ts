/** The trust metadata that a document carries along, for whoever has pinned one of its roots. Nothing in it is trusted. */
import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import { base64Member } from './base64-member.ts';

const metadata = base64Member(LIMITS.trustMetadataBytes);

export const carriedTrustSchema = z.strictObject({
  /** Every root from the first one to the one in force, in order. */
  roots: z.array(metadata).min(1).max(LIMITS.rootRotationCount),
  timestamp: metadata,
  snapshot: metadata,
  targets: metadata,
  /** The role that lists the releases of an application, where a release is to be vouched for. */
  releases: metadata.optional(),
});
export type CarriedTrust = z.infer<typeof carriedTrustSchema>;
