import { sha256 } from '../../shared/digest.ts';
import type { ReportDocumentRow, Store } from './schema.ts';

export interface ReportDocument {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Replaces the report of a run; to be called in a transaction. */
export async function replaceReport(store: Store, runId: string, documents: readonly ReportDocument[]): Promise<void> {
  await store.deleteFrom('report_documents').where('run_id', '=', runId).execute();
  if (documents.length === 0) return;
  const rows = documents.map(({ name, content }) => ({
    run_id: runId,
    name,
    sha256: sha256(content),
    content: Buffer.from(content),
  }));
  await store.insertInto('report_documents').values(rows).execute();
}

/** By name; empty when the run has no report. */
export async function findReport(store: Store, runId: string): Promise<ReportDocumentRow[]> {
  return store.selectFrom('report_documents').selectAll().where('run_id', '=', runId).orderBy('name').execute();
}
