import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { RejectedError } from '../../shared/errors.ts';

/** Where the bundle goes: a file, or a folder in which it gets the name of the release. */
export interface OutputPlace {
  pathFor(installationName: string): string;
  /** Whether a path is where a build leaves its bundle. */
  isOwnOutput(path: string): boolean;
}

/** Without `out`: the current folder. Errors: `RejectedError('output-folder-missing')`. */
export function outputPlace(out: string | undefined): OutputPlace {
  const path = resolve(out ?? '.');
  if (isFolder(path)) {
    const folder = realpathSync(path);
    return {
      pathFor: (name) => join(folder, `${name}.ktr`),
      isOwnOutput: (candidate) => dirname(candidate) === folder && candidate.endsWith('.ktr'),
    };
  }
  if (!isFolder(dirname(path))) {
    throw new RejectedError('output-folder-missing', `failed to build: "${dirname(path)}" is no folder`, {
      hint: 'make the folder, or name another with --out',
    });
  }
  const file = join(realpathSync(dirname(path)), basename(path));
  return { pathFor: () => file, isOwnOutput: (candidate) => candidate === file };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
