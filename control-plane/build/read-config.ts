import { readFileSync, statSync } from 'node:fs';
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { RejectedError, systemCodeOf } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { KEYTURN_YAML_NAME } from '../../shared/release/keyturn-yaml.ts';
import type { CommitTree } from './commit-tree.ts';
import type { Git } from './git.ts';
import { readCommitted } from './read-blobs.ts';

export interface ReadConfig {
  readonly text: string;
  readonly place: 'repository' | 'outside';
  readonly sha256: Sha256;
}

/**
 * Reads the commit's `keyturn.yaml`, or the one outside for a repository that has none. Never both: which of two plans
 * counts must not depend on who calls. Errors: `RejectedError` with `keyturn-yaml-missing`, `keyturn-yaml-twice`,
 * `keyturn-yaml-too-large` or `keyturn-yaml-unreadable`.
 */
export async function readConfig(objects: Git, tree: CommitTree, outside: string | undefined): Promise<ReadConfig> {
  const inside = tree.everything.find(({ path, kind }) => path === KEYTURN_YAML_NAME && kind === 'file');
  if (inside && outside !== undefined) {
    throw new RejectedError(
      'keyturn-yaml-twice',
      `failed to read keyturn.yaml: the commit has one, and "${outside}" is another`,
      {
        hint: 'leave --config out, or remove keyturn.yaml from the repository',
      },
    );
  }
  if (outside !== undefined) return config(readOutside(outside), 'outside');
  if (!inside) {
    throw new RejectedError('keyturn-yaml-missing', 'failed to read keyturn.yaml: the commit has none at its top', {
      hint: 'commit a keyturn.yaml, or name one outside the repository with --config',
    });
  }
  checkSize(inside.size);
  return config(await readCommitted(objects, inside), 'repository');
}

function readOutside(path: string): Buffer {
  try {
    checkSize(statSync(path).size);
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof RejectedError) throw cause;
    throw new RejectedError(
      'keyturn-yaml-missing',
      `failed to read "${path}": ${systemCodeOf(cause) ?? 'unreadable'}`,
      { cause, hint: 'name an existing file with --config' },
    );
  }
}

function checkSize(bytes: number): void {
  if (bytes <= LIMITS.keyturnYamlBytes) return;
  throw new RejectedError(
    'keyturn-yaml-too-large',
    `failed to read keyturn.yaml: ${bytes} bytes, expected at most ${LIMITS.keyturnYamlBytes}`,
  );
}

function config(bytes: Buffer, place: ReadConfig['place']): ReadConfig {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), place, sha256: sha256(bytes) };
  } catch (cause) {
    throw new RejectedError('keyturn-yaml-unreadable', 'failed to read keyturn.yaml: it is not UTF-8', { cause });
  }
}
