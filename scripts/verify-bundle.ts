/**
 * Verifies what `keyturn evidence` and `keyturn audit export` have written, with nothing else but the pinned root: no network,
 * no control plane, no home.
 *
 *   verify-bundle FILE --root root.json [--host-key FILE] [--label KEY=VALUE ...] [--json]
 *
 * Exit code 0 when everything is proven, 20 when something is not, 64 when the command line cannot be meant.
 */
import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { messageOf, RejectedError } from '../shared/errors.ts';
import { evidenceJson, logExportJson } from '../shared/evidence/evidence-json.ts';
import { evidenceLines, logExportLines } from '../shared/evidence/evidence-text.ts';
import { schemaOf } from '../shared/evidence/export-document.ts';
import { LOG_SCHEMA } from '../shared/evidence/log-export.ts';
import { verifyEvidence } from '../shared/evidence/verify-evidence.ts';
import { verifyLogExport } from '../shared/evidence/verify-log-export.ts';
import { checkKinds } from '../shared/ledger/kinds/registry.ts';
import { LIMITS } from '../shared/limits.ts';
import { describeFailure, EXIT_CODES, exitCodeOf, failureJson, UsageError } from '../shared/service/failure.ts';
import { assertInputFile, readInputFile } from '../shared/service/input-file.ts';
import type { Labels } from '../shared/trust/policy.ts';
import { visibleLines } from '../shared/visible-text.ts';

/** As a verdict that failed. */
const NOT_PROVEN = 20;

const USAGE = 'verify-bundle FILE --root root.json [--host-key FILE] [--label KEY=VALUE ...] [--json]';

const FLAGS = {
  root: { type: 'string' },
  'host-key': { type: 'string' },
  label: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
} as const;

interface Invocation {
  readonly file: Buffer;
  readonly root: Buffer;
  readonly hostPublicKey: string | undefined;
  readonly labels: Labels | undefined;
}

interface Judged {
  readonly exitCode: number;
  readonly json: object;
  readonly lines: readonly string[];
}

export interface BundleRun {
  readonly nowMs: number;
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** Runs once; never throws. Gives the exit code. */
export async function runVerifyBundle(
  args: readonly string[],
  { nowMs, writeOut, writeErr }: BundleRun,
): Promise<number> {
  const isJson = args.includes('--json');
  try {
    const { exitCode, json, lines } = await judge(invocationOf(args), nowMs);
    writeOut(isJson ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`);
    return exitCode;
  } catch (error) {
    if (isJson) writeOut(failureJson(error));
    // The file may come from anybody, who has no business in steering a terminal.
    writeErr(visibleLines(describeFailure('verify-bundle', error)).join('\n'));
    const exitCode = exitCodeOf(error);
    return exitCode === EXIT_CODES.refused ? NOT_PROVEN : exitCode;
  }
}

async function judge({ file, root, hostPublicKey, labels }: Invocation, nowMs: number): Promise<Judged> {
  if (schemaOf(file) === LOG_SCHEMA) {
    const found = await verifyLogExport(file, { root, nowMs });
    return { exitCode: 0, json: logExportJson(found), lines: logExportLines(found) };
  }
  const found = await verifyEvidence(file, { root, kinds: checkKinds, hostPublicKey, labels, nowMs });
  const exitCode = found.open.length === 0 ? 0 : NOT_PROVEN;
  return { exitCode, json: evidenceJson(found), lines: evidenceLines(found) };
}

function invocationOf(args: readonly string[]): Invocation {
  const { values, positionals } = parsed(args);
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) throw new UsageError('expected one file', USAGE);
  if (values.root === undefined) throw new UsageError('--root is missing: the root that you trust', USAGE);
  const hostKey = values['host-key'];
  return {
    file: readBounded(file, { what: 'evidence', maxBytes: LIMITS.evidenceBytes }),
    root: readBounded(values.root, { what: 'root', maxBytes: LIMITS.trustMetadataBytes }),
    hostPublicKey: hostKey === undefined ? undefined : readKey(hostKey),
    labels: values.label && Object.fromEntries(values.label.map(parseLabel)),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error), USAGE);
  }
}

function parseLabel(text: string): readonly [label: string, value: string] {
  const [, label, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (label === undefined || value === undefined) throw new UsageError(`--label "${text}": expected KEY=VALUE`, USAGE);
  return [label, value];
}

function readKey(path: string): string {
  return readBounded(path, { what: 'host key', maxBytes: LIMITS.secretBytes }).toString('utf8');
}

/** Errors: those of `readInputFile`; `evidence-too-large`. */
function readBounded(path: string, { what, maxBytes }: { what: string; maxBytes: number }): Buffer {
  assertInputFile(path, what);
  const { size } = statSync(path);
  if (size <= maxBytes) return readInputFile(path, what);
  const message = `failed to read ${what} "${path}": expected at most ${maxBytes} bytes, got ${size}`;
  throw new RejectedError('evidence-too-large', message);
}

if (import.meta.main) {
  process.exitCode = await runVerifyBundle(process.argv.slice(2), {
    nowMs: Date.now(),
    writeOut: (text) => process.stdout.write(text),
    writeErr: (text) => process.stderr.write(text),
  });
}
