/**
 * Where a command line leads, without starting it: to a module or script of the tree, or to a program.
 *
 * What an interpreter would be told to run must be in the tree: an entrypoint is the release's own code. A program that is
 * no known interpreter is taken by itself.
 */
import { accessSync, constants } from 'node:fs';
import type { Manifest } from '../../shared/release/manifest.ts';
import { FIXED_ENVIRONMENT } from '../sandbox/spec.ts';

export interface Resolution {
  readonly resolves: boolean;
  /** What it leads to, or what is missing. */
  readonly to: string;
}

const PYTHON = /^python(\d+(\.\d+)?)?$/;
const OTHER_INTERPRETER = /^(node|bash|dash|sh|perl|ruby|php|lua\d?(\.\d)?)$/;
/** `-m module`, `-mmodule`, also behind options without a value: `-Bm module`. */
const MODULE_OPTION = /^-[bBdEiIOPqsSuvx]*m(.*)$/;
/** Options of CPython that take their value as the next argument. */
const PYTHON_VALUE_OPTIONS = new Set(['-W', '-X', '--check-hash-based-pycs']);

/** Looks at the manifest for what is in the tree, and at the host for the program. */
export function resolveEntrypoint(argv: readonly string[], manifest: Manifest): Resolution {
  const [program = '', ...rest] = argv;
  const found = resolveProgram(program, manifest);
  if (!found.resolves) return found;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (PYTHON.test(name)) return resolvePython(rest, manifest);
  if (OTHER_INTERPRETER.test(name)) return resolveScript(rest[0], manifest);
  return found;
}

function resolveProgram(program: string, manifest: Manifest): Resolution {
  if (program.startsWith('/'))
    return isExecutable(program) ? found(`program ${program}`) : missing(`no program at ${program}`);
  if (program.includes('/')) return resolveTreeProgram(program, manifest);
  const folder = (FIXED_ENVIRONMENT.PATH ?? '').split(':').find((candidate) => isExecutable(`${candidate}/${program}`));
  return folder === undefined ? missing(`no program "${program}" on this host`) : found(`program ${folder}/${program}`);
}

function resolveTreeProgram(program: string, manifest: Manifest): Resolution {
  const path = program.replace(/^\.\//, '');
  const entry = manifest.entries.find((candidate) => candidate.path === path);
  if (!entry) return missing(`no file ${path} in the tree`);
  return entry.kind === 'file' && entry.mode !== 0o755 ? missing(`${path} in the tree is not executable`) : found(path);
}

function resolvePython(rest: readonly string[], manifest: Manifest): Resolution {
  for (let at = 0; at < rest.length; at += 1) {
    const argument = rest[at] ?? '';
    if (PYTHON_VALUE_OPTIONS.has(argument)) {
      at += 1;
      continue;
    }
    const module = MODULE_OPTION.exec(argument)?.[1];
    if (module !== undefined) return resolveModule(module === '' ? (rest[at + 1] ?? '') : module, manifest);
    if (argument === '-c') return found('code in its own arguments');
    if (!argument.startsWith('-')) return resolveScript(argument, manifest);
  }
  return missing('neither a module nor a script is named');
}

function resolveModule(module: string, manifest: Manifest): Resolution {
  const path = module.replaceAll('.', '/');
  const candidates = [`${path}.py`, `${path}/__main__.py`];
  const hit = candidates.find((candidate) => hasEntry(manifest, candidate));
  return hit === undefined ? missing(`no ${candidates.join(' or ')} in the tree`) : found(hit);
}

function resolveScript(script: string | undefined, manifest: Manifest): Resolution {
  if (script === undefined || script.startsWith('-')) return missing('no script is named first');
  const path = script.replace(/^\.\//, '');
  return hasEntry(manifest, path) ? found(path) : missing(`no file ${path} in the tree`);
}

function hasEntry(manifest: Manifest, path: string): boolean {
  return manifest.entries.some((entry) => entry.path === path);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not executable: either way it cannot be started
  }
}

function found(to: string): Resolution {
  return { resolves: true, to };
}

function missing(what: string): Resolution {
  return { resolves: false, to: what };
}
