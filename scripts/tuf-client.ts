/**
 * A TUF client with the command line that the public conformance suite expects, over the very code that the agent
 * trusts by: `TrustClient`, its SQLite store, its adoption of all or nothing.
 *
 *   tuf-client --metadata-dir DIR init TRUSTED_ROOT
 *   tuf-client --metadata-dir DIR --metadata-url URL refresh
 *   tuf-client --metadata-dir DIR --metadata-url URL --target-name PATH --target-base-url URL --target-dir DIR download
 *
 * `--target-name` may be repeated: one client fetches the targets in that order, and the first failure ends it.
 *
 * The suite reads (and damages) plain files, so here the files in `--metadata-dir` are the truth between runs: they are
 * brought into the store before a command and written out after it. Keyturn's own rules are off (`rules: 'tuf'`): the
 * suite speaks all of TUF. Exit code 0 when the command succeeded fully, 1 when any part of it failed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Database } from 'better-sqlite3';

import { loadTrusted, openTrustDatabase, resetTrusted } from '../host-agent/trust/metadata-store.ts';
import { TrustClient } from '../host-agent/trust/trust-client.ts';
import { messageOf, RejectedError } from '../shared/errors.ts';
import { makeDirectory, writeFileAtomic } from '../shared/store/atomic-file.ts';
import { httpSource } from '../shared/trust/http-source.ts';

const DATABASE = '.keyturn-trust.sqlite';
/** The suite's artifacts are small; this bounds memory all the same. */
const TARGET_MAX_BYTES = 256 * 1024 * 1024;

type RunOptions = { readonly now?: () => Date; readonly report?: (message: string) => void };

/** Runs one command; the exit code. Tests replace the clock (`now`) and standard error (`report`). */
export async function runTufClient(args: readonly string[], options: RunOptions = {}): Promise<0 | 1> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
    const [command = '', operand = ''] = positionals;
    await runCommand(command, { operand, flags: values, now: options.now });
    return 0;
  } catch (error) {
    const report = options.report ?? ((message) => process.stderr.write(`${message}\n`));
    report(`tuf-client: ${messageOf(error)}`);
    return 1;
  }
}

const FLAGS = {
  'metadata-dir': { type: 'string' },
  'metadata-url': { type: 'string' },
  'target-name': { type: 'string', multiple: true },
  'target-base-url': { type: 'string' },
  'target-dir': { type: 'string' },
} as const;

type SingleFlag = Exclude<keyof typeof FLAGS, 'target-name'>;
type Flags = { readonly [flag in SingleFlag]?: string } & { readonly 'target-name'?: readonly string[] };

type Invocation = { readonly operand: string; readonly flags: Flags; readonly now: (() => Date) | undefined };

async function runCommand(command: string, { operand, flags, now }: Invocation): Promise<void> {
  switch (command) {
    case 'init':
      return init(required(flags, 'metadata-dir'), operand);
    case 'refresh':
      return withClient(flags, now, refresh);
    case 'download':
      return withClient(flags, now, (client) => download(client, flags));
    default:
      throw new RejectedError('unknown-command', `unknown command "${command}": expected init, refresh or download`);
  }
}

function init(metadataDir: string, trustedRoot: string): void {
  makeDirectory(metadataDir);
  writeFileAtomic(join(metadataDir, 'root.json'), readFileSync(trustedRoot));
}

async function refresh(client: TrustClient): Promise<void> {
  const outcome = await client.refresh();
  if (outcome.kind === 'failed') throw outcome.error;
}

async function download(client: TrustClient, flags: Flags): Promise<void> {
  const { 'target-name': names = [] } = flags;
  if (names.length === 0) throw flagMissing('target-name');
  const folder = required(flags, 'target-dir');
  required(flags, 'target-base-url');
  for (const name of names) await downloadInto(folder, name, client);
}

async function downloadInto(folder: string, name: string, client: TrustClient): Promise<void> {
  const path = join(folder, fileNameFor(name));
  const copy = existsSync(path) ? readFileSync(path) : undefined;
  const bytes = await client.readTarget(name, { maxBytes: TARGET_MAX_BYTES, copy });
  if (bytes === copy) return;
  makeDirectory(folder);
  writeFileAtomic(path, bytes);
}

async function withClient(
  flags: Flags,
  now: (() => Date) | undefined,
  action: (client: TrustClient) => Promise<void>,
): Promise<void> {
  const metadataDir = required(flags, 'metadata-dir');
  const db = openTrustDatabase(join(metadataDir, DATABASE));
  try {
    importFiles(db, metadataDir);
    const urls = { metadataUrl: required(flags, 'metadata-url'), targetsUrl: flags['target-base-url'] };
    await action(new TrustClient({ db, source: httpSource(urls), rules: 'tuf', now }));
  } finally {
    exportFiles(db, metadataDir);
    db.close();
  }
}

/** An empty file is what a power cut leaves; it says nothing, so it is as if it were not there. */
function importFiles(db: Database, metadataDir: string): void {
  const names = readdirSync(metadataDir).filter((name) => name.endsWith('.json'));
  const files = names.map((name) => [name, readFileSync(join(metadataDir, name))] as const);
  resetTrusted(db, new Map(files.filter(([, bytes]) => bytes.length > 0)), { adoptedAt: new Date() });
}

function exportFiles(db: Database, metadataDir: string): void {
  for (const [name, bytes] of loadTrusted(db)) {
    const path = join(metadataDir, name);
    if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileAtomic(path, bytes);
  }
}

/** One flat folder, whatever slashes the path of a target has. */
function fileNameFor(target: string): string {
  const name = encodeURIComponent(target);
  if (name !== '' && name !== '.' && name !== '..') return name;
  throw new RejectedError('target-path-invalid', `cannot keep target "${target}" as a file`);
}

function required(flags: Flags, flag: SingleFlag): string {
  const value = flags[flag];
  if (value !== undefined) return value;
  throw flagMissing(flag);
}

function flagMissing(flag: keyof typeof FLAGS): RejectedError {
  return new RejectedError('flag-missing', `expected --${flag}`);
}

if (import.meta.main) process.exitCode = await runTufClient(process.argv.slice(2));
