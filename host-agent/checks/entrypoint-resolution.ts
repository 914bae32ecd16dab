/** Where an entrypoint of the plan leads on this host, without starting it. */
import { type EntrypointTarget, found, missing, resolveTarget } from '../../shared/release/entrypoint-target.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { findSystemProgram, isExecutableFile } from '../sandbox/launch-chain.ts';
import { FIXED_ENVIRONMENT } from '../sandbox/spec.ts';

/** Looks at the manifest for what is in the tree, and at the host for the program. */
export function resolveEntrypoint(argv: readonly string[], manifest: Manifest): EntrypointTarget {
  const modes = new Map(manifest.entries.map((entry) => [entry.path, entry.kind === 'file' ? entry.mode : 0o777]));
  return resolveTarget(argv, { modeInTree: (path) => modes.get(path), findProgram });
}

function findProgram(program: string): EntrypointTarget {
  if (program.startsWith('/'))
    return isExecutableFile(program) ? found(`program ${program}`) : missing(`no program at ${program}`);
  const path = findSystemProgram(program, (FIXED_ENVIRONMENT.PATH ?? '').split(':'));
  return path === undefined ? missing(`no program "${program}" on this host`) : found(`program ${path}`);
}
