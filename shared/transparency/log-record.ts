/** What stands in the log for a document: its kind and its digest, never the document, which may be larger than a leaf. */
import { encodeCanonical } from '../canonical-json.ts';
import { sha256 } from '../digest.ts';

export const LOG_KINDS = ['enable', 'kill', 'ruling', 'approval', 'receipt', 'verdict'] as const;
export type LogKind = (typeof LOG_KINDS)[number];

/** The leaf of a document of that kind. */
export function encodeLogRecord(kind: LogKind, document: Uint8Array): Buffer {
  return encodeCanonical({ kind: `keyturn-log/v1/${kind}`, sha256: sha256(document) });
}

export function isLogKind(text: string): text is LogKind {
  return (LOG_KINDS as readonly string[]).includes(text);
}
