import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { isReportFile } from '../../shared/ledger/kinds/report.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { ReportSink } from '../../shared/rpc/generated/messages.ts';
import { appendDirective } from '../store/directives.ts';
import { findHost } from '../store/hosts.ts';
import { type ReportDocument, replaceReport } from '../store/report-documents.ts';
import type { OperatorContext } from './operator-context.ts';
import { existingRun } from './run-message.ts';

export interface PublishedReport {
  readonly documents: readonly ReportDocument[];
  readonly sinks: readonly ReportSink[];
}

/**
 * Keeps the report of a run, and asks its host to record the receipt. A host that has begun a new life since has lost
 * the ledger, and is not asked. Errors: `run-not-found`, `report-document-misnamed`; nothing is kept then.
 */
export async function recordReport(
  context: OperatorContext,
  runId: string,
  { documents, sinks }: PublishedReport,
): Promise<void> {
  const { store, clock, sessions } = context;
  const misnamed = documents.find(({ name }) => !isReportFile(name));
  if (misnamed)
    throw new RejectedError(
      'report-document-misnamed',
      `failed to record the report of run "${runId}": no report has a "${misnamed.name}"`,
    );
  const receipts = documents.map(({ name, content }) => ({ name, sha256: sha256(content) }));
  const bytes = directiveCodec.encode({
    kind: 'recordReport',
    recordReport: { runId, documents: receipts, sinks: [...sinks] },
  });
  const run = await existingRun(store, runId);
  const { host, incarnation } = run;
  await store.transaction().execute(async (transaction) => {
    await replaceReport(transaction, runId, documents);
    if ((await findHost(transaction, host))?.incarnation !== incarnation) return;
    await appendDirective(transaction, {
      host,
      incarnation,
      run_id: runId,
      kind: 'recordReport',
      bytes,
      created_at: clock.now(),
    });
  });
  sessions.wake(host);
}
