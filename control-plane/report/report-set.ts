/** A report set on its way: documents in all their forms. */
import type { ReportDocument } from './document.ts';
import { renderDocument } from './render/report-file.ts';
import type { ReportSet } from './sinks/sink.ts';

/** All documents must be of one run. */
export function reportSetOf(documents: readonly ReportDocument[]): ReportSet {
  const [first] = documents;
  if (!first || documents.some(({ run }) => run !== first.run)) throw new Error('expected documents of one run');
  const { app, version, run, host } = first;
  return { app, version, run, host, files: documents.flatMap(renderDocument) };
}
