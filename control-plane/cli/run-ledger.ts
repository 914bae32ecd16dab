/** Fetches what is needed to judge a run and judges it here: the control plane's word about a verdict is not asked for. */
import { RejectedError } from '../../shared/errors.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { checkKinds } from '../../shared/ledger/kinds/registry.ts';
import { type LedgerBundle, readLedgerBundle, type VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { LIMITS } from '../../shared/limits.ts';
import { parseReleaseStatement } from '../../shared/release/release-statement.ts';
import type { Run } from '../../shared/rpc/generated/messages.ts';
import { POLICY_PATH } from '../../shared/trust/policy.ts';
import { collectBounded, type TrustSource } from '../../shared/trust/source.ts';
import type { OperatorClient } from './client.ts';
import type { Home } from './home.ts';
import { pinnedHostKey } from './host-keys.ts';

export interface RunRecord {
  readonly run: Run;
  /** Undefined while the host has not admitted the run. */
  readonly ledger: VerifiedLedger | undefined;
}

/** What the control plane holds of a run, with nothing of it checked. */
export interface FetchedRun {
  readonly run: Run;
  /** Undefined while the host has not admitted the run. */
  readonly bundle: LedgerBundle | undefined;
}

/** Errors: those of `readLedgerBundle` when what the control plane holds does not verify; `host-key-changed`. */
export async function fetchRun(
  runId: string,
  { client, source, home }: { client: OperatorClient; source: TrustSource; home: Home },
): Promise<RunRecord> {
  const { run, bundle } = await fetchLedgerBundle(runId, { client, source });
  return { run, ledger: bundle && readFetched(run, { bundle, home }) };
}

/** By the key that this machine knows the host by. Errors: those of `readLedgerBundle`; `host-key-changed`. */
export function readFetched(run: Run, { bundle, home }: { bundle: LedgerBundle; home: Home }): VerifiedLedger {
  const hostPublicKey = pinnedHostKey(home.folder, { host: run.host, shown: run.ledgerPublicKey });
  return readLedgerBundle(bundle, { kinds: checkKinds, hostPublicKey });
}

/** Errors: `run-unknown`, `ledger-too-long`; those of `fetchMaterial`. */
export async function fetchLedgerBundle(
  runId: string,
  { client, source }: { client: OperatorClient; source: TrustSource },
): Promise<FetchedRun> {
  const entries: Buffer[] = [];
  let run: Run | undefined;
  let head: Buffer | undefined;
  for await (const update of client.getRun({ runId })) {
    if (update.news === 'run') run = update.run;
    if (update.news === 'entry') {
      if (entries.length === LIMITS.ledgerEntryCount) throw tooLong(runId);
      entries.push(update.entry.entry);
      if (update.entry.head.length > 0) head = update.entry.head;
    }
  }
  if (!run)
    throw new RejectedError('run-unknown', `failed to fetch run "${runId}": the control plane does not know it`);
  if (!head) return { run, bundle: undefined };
  const material = await fetchMaterial(entries, { client, source, run });
  return { run, bundle: { entries, head, hostPublicKey: run.ledgerPublicKey, ...material } };
}

function tooLong(runId: string): RejectedError {
  return new RejectedError(
    'ledger-too-long',
    `failed to fetch run "${runId}": expected at most ${LIMITS.ledgerEntryCount} ledger entries, got more`,
  );
}

export type Material = Pick<LedgerBundle, 'statement' | 'plan' | 'buildRecord' | 'policy'>;

/** By the digests in the first entry; whether they are what was signed is checked when the bundle is read. */
export async function fetchMaterial(
  entries: readonly Buffer[],
  { client, source, run }: { client: OperatorClient; source: TrustSource; run: Run },
): Promise<Material> {
  const first = entries[0] && parseEntry(entries[0]).entry.body;
  if (first?.type !== 'run-admitted')
    throw new RejectedError(
      'ledger-not-admitted',
      `failed to read the ledger of run "${run.runId}": it does not begin with an admission`,
    );
  const slash = run.targetPath.lastIndexOf('/') + 1;
  const statement = await readTarget(
    source,
    `${run.targetPath.slice(0, slash)}${first.statementDigest}.${run.targetPath.slice(slash)}`,
  );
  const { plan, buildRecord } = parseReleaseStatement(statement);
  return {
    statement,
    policy: await readTarget(source, `${first.policyDigest}.${POLICY_PATH}`),
    plan: await readBlob(client, plan, LIMITS.planBytes),
    buildRecord: await readBlob(client, buildRecord, LIMITS.buildRecordBytes),
  };
}

async function readTarget(source: TrustSource, path: string): Promise<Buffer> {
  return collectBounded(source.fetchTarget(path), { maxBytes: LIMITS.trustTargetBytes, what: path });
}

/** The bytes of a blob; whether they are what was signed is for the caller to check. */
export async function readBlob(
  client: OperatorClient,
  { sha256, size }: { sha256: string; size: number },
  maxBytes: number,
): Promise<Buffer> {
  const pieces = client.fetchBlobs({ wants: [{ sha256, size, offset: 0 }] });
  return collectBounded(dataOf(pieces), { maxBytes: Math.min(size, maxBytes), what: `blob ${sha256}` });
}

async function* dataOf(pieces: AsyncIterable<{ data: Buffer }>): AsyncIterable<Buffer> {
  for await (const { data } of pieces) yield data;
}
