/** Puts together entries of the log for somebody who takes them along, and judges them before. */
import { encodeLogExport, LOG_SCHEMA } from '../../shared/evidence/log-export.ts';
import { type VerifiedLogExport, verifyLogExport } from '../../shared/evidence/verify-log-export.ts';
import type { LogKind } from '../../shared/transparency/log-record.ts';
import { walkLog } from './audit-log.ts';
import { exportTrust } from './export-trust.ts';
import type { Publisher } from './publication.ts';

export interface LogStretch {
  readonly first: number;
  /** 0 for all that there are. */
  readonly limit: number;
}

export interface ExportedLog {
  readonly bytes: Buffer;
  readonly found: VerifiedLogExport;
}

/** Errors: those of `exportTrust`, `walkLog`, `encodeLogExport` and `verifyLogExport`. */
export async function exportLog({ first, limit }: LogStretch, publisher: Publisher): Promise<ExportedLog> {
  const root = publisher.home.loadTrust().get('root.json') as Uint8Array;
  const { trust, policy, log } = await exportTrust(publisher);
  const end = limit === 0 ? Number.POSITIVE_INFINITY : first + limit;
  const records: { kind: LogKind; document: Buffer }[] = [];
  let count = 0;
  const visit = (kind: LogKind, document: Buffer): void => {
    if (count >= first && count < end) records.push({ kind, document });
    count += 1;
  };
  const { checkpoint, leafHashes } = await walkLog(publisher, { log, visit });
  const before = Buffer.concat(leafHashes.slice(0, first));
  const after = Buffer.concat(leafHashes.slice(first).slice(records.length));
  const bytes = encodeLogExport({ schema: LOG_SCHEMA, trust, policy, checkpoint, before, records, after });
  return { bytes, found: await verifyLogExport(bytes, { root }) };
}
