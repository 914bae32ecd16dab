import { RejectedError } from '../../shared/errors.ts';
import type { LedgerEntry, Run } from '../../shared/rpc/generated/messages.ts';
import { ledgerKeyOf } from '../store/hosts.ts';
import { findLedgerHead, ledgerEntriesFrom } from '../store/ledger-entries.ts';
import { findRun } from '../store/runs.ts';
import type { RunRow, Store } from '../store/schema.ts';

const ENTRY_BATCH_COUNT = 64;

export async function runMessage(store: Store, run: RunRow): Promise<Run> {
  const key = await ledgerKeyOf(store, run.host, run.incarnation);
  return {
    runId: run.id,
    host: run.host,
    app: run.app,
    version: run.version,
    phase: run.phase,
    refusalCode: run.refusal_code ?? '',
    createdAtMs: run.created_at,
    entryCount: run.entry_count,
    targetPath: run.target_path,
    statementSha256: run.statement_sha256,
    ledgerPublicKey: key?.ledger_public_key ?? '',
  };
}

/** Errors: `RejectedError('run-not-found')`. */
export async function existingRun(store: Store, runId: string): Promise<RunRow> {
  const run = await findRun(store, runId);
  if (run === undefined) throw notFound(runId);
  return run;
}

function notFound(runId: string): RejectedError {
  return new RejectedError('run-not-found', `failed to find run "${runId}"`, {
    hint: 'see the runs with `keyturn runs`',
  });
}

/** The entries from `fromSeq` up to the newest, which carries the head. */
export async function* entryMessages(store: Store, runId: string, fromSeq: number): AsyncGenerator<LedgerEntry> {
  for (let seq = fromSeq; ; ) {
    // Read before the entries: an entry that arrives in between comes with the next look.
    const head = await findLedgerHead(store, runId);
    const limit = Math.min(ENTRY_BATCH_COUNT, (head?.size ?? 0) - seq);
    if (limit <= 0) return;
    for (const row of await ledgerEntriesFrom(store, runId, { fromSeq: seq, limit })) {
      const isNewest = head?.size === row.seq + 1;
      yield { runId, seq: row.seq, entry: row.bytes, head: isNewest ? head.envelope : Buffer.alloc(0) };
      seq = row.seq + 1;
    }
  }
}
