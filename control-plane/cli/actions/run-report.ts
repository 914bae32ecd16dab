/** `keyturn report`. */

import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { isReportFile } from '../../../shared/ledger/kinds/report.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { EXIT_CODES } from '../../../shared/service/failure.ts';
import { makeDirectory, writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { compareWithLedger, type DocumentStanding, isFounded, standingWarnings } from '../../report/receipt.ts';
import { withControlPlane } from '../connection.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';
import { fetchRun } from '../run-ledger.ts';

/**
 * Writes the documents and says how each stands to what the host signed. A report that does not hold is written all the
 * same, for whoever must look into it, and the command ends as refused.
 */
export async function saveReport(runId: string, command: Command): Promise<void> {
  const out = command.optsWithGlobals().out as string | undefined;
  const { documents, rows } = await withControlPlane(command, 'viewer', (publisher) => readReport(runId, publisher));
  const folder = resolve(out ?? `report-${runId}`);
  makeDirectory(folder);
  for (const [name, content] of documents) writeFileAtomic(join(folder, name), content);
  const output = outputOf(command);
  for (const warning of standingWarnings(rows)) output.warn(warning);
  if (!isFounded(rows)) output.endWith(EXIT_CODES.refused);
  output.result({ folder, documents: [...documents.keys()], standings: rows }, () => [
    folder,
    ...rows.map(({ name, standing }) => `  ${name}  ${STANDING_WORDS[standing]}`),
  ]);
}

const STANDING_WORDS: Readonly<Record<DocumentStanding['standing'], string>> = {
  signed: 'as the host signed it',
  follows: 'follows from the ledger',
  differs: 'NOT WHAT THE HOST SIGNED',
  unfounded: 'NOT FOUNDED ON THE LEDGER',
  missing: 'MISSING',
};

interface ReadReport {
  readonly documents: ReadonlyMap<string, Buffer>;
  readonly rows: readonly DocumentStanding[];
}

/** The report first: a receipt that comes in between is then in the ledger. Errors: of `fetchReport` and `fetchRun`. */
async function readReport(runId: string, publisher: Publisher): Promise<ReadReport> {
  const documents = await fetchReport(runId, publisher);
  const { ledger } = await fetchRun(runId, publisher);
  if (!ledger)
    throw refused(runId, 'report-without-ledger', 'the control plane has no ledger that it could follow from');
  return { documents, rows: compareWithLedger(ledger, documents) };
}

/** Errors: those of the call; `RejectedError` with `report-document-misnamed`, `report-too-large` or `report-piece-empty`. */
export async function fetchReport(
  runId: string,
  { client }: Pick<Publisher, 'client'>,
): Promise<ReadonlyMap<string, Buffer>> {
  const pieces = new Map<string, Buffer[]>();
  let bytes = 0;
  for await (const { name, data } of client.fetchReport({ runId })) {
    // The control plane names the files: none may leave the folder, hide, or replace more than a report does.
    if (!isReportFile(name)) throw refused(runId, 'report-document-misnamed', `it has a document "${name}"`);
    bytes += data.length;
    if (bytes > LIMITS.reportBytes)
      throw refused(runId, 'report-too-large', `expected at most ${LIMITS.reportBytes} bytes, got more`);
    const parts = pieces.get(name) ?? [];
    // A document may be empty, and says so once; a stream of nothing would never come to its bound.
    if (data.length === 0 && parts.length > 0)
      throw refused(runId, 'report-piece-empty', `"${name}" has a piece of nothing`);
    parts.push(data);
    pieces.set(name, parts);
  }
  return new Map([...pieces].map(([name, parts]) => [name, Buffer.concat(parts)]));
}

function refused(runId: string, code: Lowercase<string>, why: string): RejectedError {
  return new RejectedError(code, `failed to fetch the report of run "${runId}": ${why}`);
}
