import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { FetchReportRequest, ReportPiece } from '../../shared/rpc/generated/messages.ts';
import { findReport } from '../store/report-documents.ts';
import type { OperatorContext } from './operator-context.ts';
import { existingRun } from './run-message.ts';

/** Errors: `run-not-found`, `report-not-found`. */
export async function* fetchReport(
  { store }: OperatorContext,
  { runId }: FetchReportRequest,
): AsyncGenerator<ReportPiece> {
  await existingRun(store, runId);
  const documents = await findReport(store, runId);
  if (documents.length === 0)
    throw new RejectedError('report-not-found', `failed to fetch the report of run "${runId}": there is none yet`);
  for (const { name, content } of documents) {
    for (let offset = 0; offset === 0 || offset < content.length; offset += LIMITS.blobChunkBytes) {
      yield { name, data: content.subarray(offset, offset + LIMITS.blobChunkBytes) };
    }
  }
}
