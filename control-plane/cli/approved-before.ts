/**
 * What each key last approved of each application on this machine. It is a memory and no evidence: it decides nothing, and an
 * approval does not depend on it.
 *
 * 1. One file for an application and a key, replaced as a whole, readable by its owner alone.
 * 2. Bounded: the oldest are forgotten, and hosts that are too many are left out of a record.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RejectedError, systemCodeOf, TransientError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { makeDirectory, removeTree, writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { type ApprovalRecord, approvalRecordSchema } from './decision-text/approval-record.ts';
import type { Home } from './home.ts';

export class ApprovedBefore {
  readonly #folder: string;

  constructor({ folder }: Pick<Home, 'folder'>) {
    this.#folder = join(folder, 'approved-before');
  }

  /** Undefined where nothing is remembered. Errors: `approval-record-malformed`; `TransientError`. */
  last({ app, keyId }: { app: string; keyId: string }): ApprovalRecord | undefined {
    const path = this.#pathOf(app, keyId);
    const text = readIfThere(path);
    return text === undefined ? undefined : parseRecord(text, path);
  }

  /** In the place of what was remembered for its application and this key. Errors: `TransientError`. */
  remember(keyId: string, record: ApprovalRecord): void {
    const path = this.#pathOf(record.app, keyId);
    makeDirectory(this.#folder, { mode: 0o700 });
    writeFileAtomic(path, encodeRecord(record), { mode: 0o600 }); // 1
    this.#forgetOldest(path);
  }

  #pathOf(app: string, keyId: string): string {
    return join(this.#folder, `${app}.${keyId}.json`);
  }

  #forgetOldest(kept: string): void {
    const paths = readdirSync(this.#folder).map((name) => join(this.#folder, name));
    const others = paths
      .filter((path) => path !== kept)
      .map((path) => ({ path, writtenMs: statSync(path).mtimeMs }))
      .sort((one, other) => other.writtenMs - one.writtenMs);
    for (const { path } of others.slice(LIMITS.approvalRecordCount - 1)) removeTree(path); // 2
  }
}

function encodeRecord(record: ApprovalRecord): string {
  const text = JSON.stringify(record);
  if (Buffer.byteLength(text) <= LIMITS.approvalRecordBytes) return text;
  return JSON.stringify({ ...record, hosts: undefined }); // 2
}

function readIfThere(path: string): string | undefined {
  try {
    if (statSync(path).size > LIMITS.approvalRecordBytes) throw malformed(path, undefined);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof RejectedError) throw cause;
    if (systemCodeOf(cause) === 'ENOENT') return undefined;
    throw new TransientError(`failed to read "${path}"`, { cause });
  }
}

function parseRecord(text: string, path: string): ApprovalRecord {
  try {
    return approvalRecordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw malformed(path, cause);
  }
}

function malformed(path: string, cause: unknown): RejectedError {
  return new RejectedError('approval-record-malformed', `failed to read "${path}": it is no record of an approval`, {
    cause,
    hint: `it is a memory alone; without it everything counts as new: rm ${path}`,
  });
}
