import { canonicalText } from '../../../shared/canonical-json.ts';
import type { ReportDocument } from '../document.ts';

/** The document as it is, in the one canonical spelling: each value with its source, so that a program can check it. */
export function renderJson(document: ReportDocument): string {
  return `${canonicalText(document)}\n`;
}
