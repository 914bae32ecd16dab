/** `keyturn report`. */

import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { makeDirectory, writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { outputOf } from '../output.ts';
import type { Publisher } from '../publication.ts';

/** The control plane names the files: none may leave the folder, hide, or replace more than a report does. */
const DOCUMENT_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;

export async function saveReport(runId: string, command: Command): Promise<void> {
  const out = command.optsWithGlobals().out as string | undefined;
  const documents = await withControlPlane(command, 'viewer', (publisher) => fetchReport(runId, publisher));
  const folder = resolve(out ?? `report-${runId}`);
  makeDirectory(folder);
  for (const [name, content] of documents) writeFileAtomic(join(folder, name), content);
  outputOf(command).result({ folder, documents: [...documents.keys()] }, () => [
    folder,
    ...[...documents.keys()].map((name) => `  ${name}`),
  ]);
}

/** Errors: those of the call; `RejectedError` with `report-document-misnamed` or `report-too-large`. */
export async function fetchReport(
  runId: string,
  { client }: Pick<Publisher, 'client'>,
): Promise<ReadonlyMap<string, Buffer>> {
  const pieces = new Map<string, Buffer[]>();
  let bytes = 0;
  for await (const { name, data } of client.fetchReport({ runId })) {
    if (!DOCUMENT_NAME.test(name)) throw refused(runId, 'report-document-misnamed', `it has a document "${name}"`);
    bytes += data.length;
    if (bytes > LIMITS.reportBytes)
      throw refused(runId, 'report-too-large', `expected at most ${LIMITS.reportBytes} bytes, got more`);
    pieces.set(name, [...(pieces.get(name) ?? []), data]);
  }
  return new Map([...pieces].map(([name, parts]) => [name, Buffer.concat(parts)]));
}

function refused(runId: string, code: Lowercase<string>, why: string): RejectedError {
  return new RejectedError(code, `failed to fetch the report of run "${runId}": ${why}`);
}
