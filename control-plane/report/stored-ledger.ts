/** Reads a run out of the store as a bundle that anybody could verify, and verifies it. */
import type { Sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type BlobReference, parseReleaseStatement } from '../../shared/release/release-statement.ts';
import { POLICY_PATH } from '../../shared/trust/policy.ts';
import { collectBounded } from '../../shared/trust/source.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import { ledgerKeyOf } from '../store/hosts.ts';
import { findLedgerHead, ledgerEntriesFrom } from '../store/ledger-entries.ts';
import { findRun } from '../store/runs.ts';
import type { Store } from '../store/schema.ts';
import { findTarget } from '../store/targets.ts';

/** Errors: `RejectedError` with `run-not-found`, `ledger-not-admitted`, `ledger-material-missing`, those of the bundle. */
export async function readStoredLedger(
  runId: string,
  { store, blobs }: { store: Store; blobs: BlobStore },
): Promise<VerifiedLedger> {
  const run = await findRun(store, runId);
  if (!run) throw new RejectedError('run-not-found', `failed to read run "${runId}": it is not in the store`);
  const rows = await ledgerEntriesFrom(store, runId, { fromSeq: 0, limit: LIMITS.ledgerEntryCount });
  const entries = rows.map((row) => row.bytes);
  const first = entries[0] && parseEntry(entries[0]).entry.body;
  const head = await findLedgerHead(store, runId);
  const key = await ledgerKeyOf(store, run.host, run.incarnation);
  if (first?.type !== 'run-admitted' || !head || !key) {
    throw new RejectedError(
      'ledger-not-admitted',
      `failed to read run "${runId}": its ledger does not begin with an admission`,
    );
  }
  const statement = await requireTarget(store, run.target_path, first.statementDigest);
  const { plan, buildRecord } = parseReleaseStatement(statement);
  const hostPublicKey = key.ledger_public_key;
  return readLedgerBundle(
    {
      entries,
      head: head.envelope,
      hostPublicKey,
      statement,
      policy: await requireTarget(store, POLICY_PATH, first.policyDigest),
      plan: await readBlob(blobs, plan),
      buildRecord: await readBlob(blobs, buildRecord),
    },
    { kinds: checkKinds, hostPublicKey },
  );
}

async function requireTarget(store: Store, path: string, digest: Sha256): Promise<Buffer> {
  const content = await findTarget(store, path, digest);
  if (content) return content;
  throw new RejectedError('ledger-material-missing', `failed to find target "${path}" with digest ${digest}`);
}

async function readBlob(blobs: BlobStore, { sha256, size }: BlobReference): Promise<Buffer> {
  return collectBounded(blobs.read(sha256, 0), { maxBytes: size, what: `blob ${sha256}` });
}
