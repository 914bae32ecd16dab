/** Judges an export of the log by one pinned root: every record in its place, none left out, as the log signed it. */
import { RejectedError } from '../errors.ts';
import { type Checkpoint, verifyCheckpoint } from '../transparency/checkpoint.ts';
import { encodeLogRecord, type LogKind } from '../transparency/log-record.ts';
import { leafHash } from '../transparency/merkle.ts';
import { MerkleTree } from '../transparency/merkle-tree.ts';
import { logOf, POLICY_PATH, parsePolicy } from '../trust/policy.ts';
import { parseLogExport, splitHashes } from './log-export.ts';
import { type TrustStanding, verifyTrust } from './verified-trust.ts';

export interface VerifiedLogExport {
  readonly trust: TrustStanding;
  readonly log: Checkpoint;
  /** The place of the first record. */
  readonly first: number;
  readonly records: readonly { readonly kind: LogKind; readonly document: Buffer }[];
}

/** Errors: those of `parseLogExport`, `verifyTrust`, `parsePolicy` and `verifyCheckpoint`; `policy-names-no-log`, `log-differs`. */
export async function verifyLogExport(
  bytes: Uint8Array,
  { root, nowMs = 0 }: { root: Uint8Array; nowMs?: number },
): Promise<VerifiedLogExport> {
  const { trust: carried, policy, checkpoint, before, records, after } = parseLogExport(bytes);
  const trust = await verifyTrust(carried, { root, targets: new Map([[POLICY_PATH, policy]]), nowMs });
  const key = logOf(parsePolicy(policy));
  if (!key) throw new RejectedError('policy-names-no-log', 'failed to verify the log: the policy names none');
  const log = verifyCheckpoint(checkpoint, key);
  const earlier = splitHashes(before);
  const own = records.map(({ kind, document }) => leafHash(encodeLogRecord(kind, document)));
  checkRoot([...earlier, ...own, ...splitHashes(after)], log);
  return { trust, log, first: earlier.length, records };
}

function checkRoot(leafHashes: readonly Buffer[], { size, root }: Checkpoint): void {
  if (leafHashes.length === size && MerkleTree.ofHashes(leafHashes).root().equals(root)) return;
  throw new RejectedError(
    'log-differs',
    `failed to verify the log: these ${leafHashes.length} entries are not the ${size} that it signed`,
  );
}
