import type { FileHandle } from 'node:fs/promises';
import { RejectedError } from '../../shared/errors.ts';
import { type FlagObservation, type FlagParams, flagKind } from '../../shared/ledger/kinds/flag.ts';
import { LIMITS } from '../../shared/limits.ts';
import { paramsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { findMatches } from './match-pattern.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { lookIntoTree } from './tree-entry.ts';

const MOST_DECLARATIONS = 16;

/** Sees every place where a file of the installed tree declares the constant. */
export async function observeFlag({ check, places }: CheckContext): Promise<CheckOutcome> {
  const params = paramsOf(flagKind, check);
  const observation = await lookIntoTree(places.installPath, params.file, async ({ is, file }) => ({
    file: params.file,
    is,
    ...searchIn(file ? await readText(file, params.file) : '', params),
  }));
  return observed(observation);
}

function searchIn(text: string, { pattern }: FlagParams): Omit<FlagObservation, 'file' | 'is'> {
  const found = findMatches(pattern, text, { most: MOST_DECLARATIONS + 1 });
  if (!found) return { search: 'undecided', declarationCount: 0, declarations: [] };
  const declarations = found.slice(0, MOST_DECLARATIONS).map(({ group, index, whole }) => ({
    value: cutEnd(group, 512),
    line: lineAt(text, index + Math.max(0, whole.indexOf(group))),
  }));
  return { search: 'done', declarationCount: found.length, declarations };
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

async function readText(file: FileHandle, path: string): Promise<string> {
  const { size } = await file.stat();
  if (size > LIMITS.capturedOutputBytes) {
    throw new RejectedError(
      'flag-file-too-large',
      `failed to read flag in "${path}": ${size} bytes, expected at most ${LIMITS.capturedOutputBytes}`,
    );
  }
  return await file.readFile('utf8');
}
