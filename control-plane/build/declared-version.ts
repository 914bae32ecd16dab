/**
 * The version that a source declares of itself, found by the plan's pattern, in bounded time: V8 backtracks, so a
 * pattern may search for years. It runs in a context of `node:vm`, whose time limit V8 honours between backtracking
 * steps; pattern and text enter as values, the script is always the same.
 */
import { Script } from 'node:vm';
import type { DeclaredVersionObservation } from '../../shared/ledger/kinds/declared-version.ts';
import { PATTERN_FLAGS } from '../../shared/ledger/kinds/text-match.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Plan } from '../../shared/release/plan.ts';
import type { CommitTree } from './commit-tree.ts';
import type { Git } from './git.ts';
import { readCommitted } from './read-blobs.ts';

/** An honest pattern searches a source file in a millisecond. */
const PATTERN_TIMEOUT_MS = 500;
const VERSION_CHARACTERS = 256;

const SEARCH = new Script('new RegExp(pattern, flags).exec(text)?.[1]');

/** Reads the file from the commit, never from the working tree. */
export async function readDeclaredVersion(
  { file, pattern }: NonNullable<Plan['declaredVersion']>,
  { objects, tree }: { objects: Git; tree: CommitTree },
): Promise<DeclaredVersionObservation> {
  const entry = tree.everything.find(({ path, kind }) => path === file && kind === 'file');
  if (!entry) return { file, problem: 'file-missing' };
  if (entry.size > LIMITS.declaredVersionFileBytes) return { file, problem: 'file-too-large' };
  return { file, ...findVersion(pattern, (await readCommitted(objects, entry)).toString('utf8')) };
}

function findVersion(pattern: string, text: string): Pick<DeclaredVersionObservation, 'declared' | 'problem'> {
  try {
    const group: unknown = SEARCH.runInNewContext(
      { pattern, text, flags: PATTERN_FLAGS },
      { timeout: PATTERN_TIMEOUT_MS },
    );
    if (typeof group !== 'string' || group === '') return { problem: 'pattern-not-found' };
    return group.length > VERSION_CHARACTERS ? { problem: 'version-too-long' } : { declared: group };
  } catch (error) {
    // An error of the other context is no instance of this one's Error.
    if ((error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return { problem: 'pattern-too-slow' };
    throw error;
  }
}
