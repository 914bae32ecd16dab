/** A report set on its way: documents in all their forms, and the receipt that becomes the evidence of G8. */
import type { ReportObservation } from '../../shared/ledger/kinds/report.ts';
import type { ReportDocument } from './document.ts';
import { renderDocument } from './render/report-file.ts';
import type { ReportSet, SinkReceipt } from './sinks/sink.ts';

/** All documents must be of one run. */
export function reportSetOf(documents: readonly ReportDocument[]): ReportSet {
  const [first] = documents;
  if (!first || documents.some(({ run }) => run !== first.run)) throw new Error('expected documents of one run');
  const { app, version, run, host } = first;
  return { app, version, run, host, files: documents.flatMap(renderDocument) };
}

/** What the host is asked to record: each document by the digest of its JSON form, from which the others follow. */
export function reportObservation(set: ReportSet, receipts: readonly SinkReceipt[]): ReportObservation {
  return {
    documents: set.files
      .filter(({ mediaType }) => mediaType === 'application/json')
      .map(({ name, sha256 }) => ({ name: name.replace(/\.json$/, ''), sha256 })),
    sinks: receipts.map(({ kind, location, ok }) => ({ kind, location, ok })),
  };
}
