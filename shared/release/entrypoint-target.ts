/**
 * Where an entrypoint's command line leads, without starting it: to a module or a script of the tree, or to a program. Pure.
 *
 * What an interpreter would be told to run must be in the tree, as an entrypoint is the release's own code. A program that
 * is no known interpreter is taken by itself.
 */
export interface EntrypointTarget {
  readonly resolves: boolean;
  /** What it leads to, or what is missing. */
  readonly to: string;
}

export interface TargetPlaces {
  /** The mode of a file in the tree, 0o777 for a link; undefined where nothing stands. */
  readonly modeInTree: (path: string) => number | undefined;
  /** Looks outside the tree for a bare name or an absolute path. */
  readonly findProgram: (program: string) => EntrypointTarget;
}

const PYTHON = /^python(\d+(\.\d+)?)?$/;
const OTHER_INTERPRETER = /^(node|bash|dash|sh|perl|ruby|php|lua\d?(\.\d)?)$/;
/** `-m module`, `-mmodule`, also behind options without a value: `-Bm module`. */
const MODULE_OPTION = /^-[bBdEiIOPqsSuvx]*m(.*)$/;
/** Options of CPython that take their value as the next argument. */
const PYTHON_VALUE_OPTIONS = new Set(['-W', '-X', '--check-hash-based-pycs']);

export function resolveTarget(argv: readonly string[], places: TargetPlaces): EntrypointTarget {
  const [program = '', ...rest] = argv;
  const isInTree = program.includes('/') && !program.startsWith('/');
  const found = isInTree ? resolveTreeProgram(program, places) : places.findProgram(program);
  if (!found.resolves) return found;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if (PYTHON.test(name)) return resolvePython(rest, places);
  if (OTHER_INTERPRETER.test(name)) return resolveScript(rest[0], places);
  return found;
}

function resolveTreeProgram(program: string, { modeInTree }: TargetPlaces): EntrypointTarget {
  const path = program.replace(/^\.\//, '');
  const mode = modeInTree(path);
  if (mode === undefined) return missing(`no file ${path} in the tree`);
  return (mode & 0o111) === 0 ? missing(`${path} in the tree is not executable`) : found(path);
}

function resolvePython(rest: readonly string[], places: TargetPlaces): EntrypointTarget {
  for (let at = 0; at < rest.length; at += 1) {
    const argument = rest[at] ?? '';
    if (PYTHON_VALUE_OPTIONS.has(argument)) {
      at += 1;
      continue;
    }
    const module = MODULE_OPTION.exec(argument)?.[1];
    if (module !== undefined) return resolveModule(module === '' ? (rest[at + 1] ?? '') : module, places);
    if (argument === '-c') return found('code in its own arguments');
    if (!argument.startsWith('-')) return resolveScript(argument, places);
  }
  return missing('neither a module nor a script is named');
}

function resolveModule(module: string, { modeInTree }: TargetPlaces): EntrypointTarget {
  const path = module.replaceAll('.', '/');
  const candidates = [`${path}.py`, `${path}/__main__.py`];
  const hit = candidates.find((candidate) => modeInTree(candidate) !== undefined);
  return hit === undefined ? missing(`no ${candidates.join(' or ')} in the tree`) : found(hit);
}

function resolveScript(script: string | undefined, { modeInTree }: TargetPlaces): EntrypointTarget {
  if (script === undefined || script.startsWith('-')) return missing('no script is named first');
  const path = script.replace(/^\.\//, '');
  return modeInTree(path) === undefined ? missing(`no file ${path} in the tree`) : found(path);
}

export function found(to: string): EntrypointTarget {
  return { resolves: true, to };
}

export function missing(what: string): EntrypointTarget {
  return { resolves: false, to: what };
}
