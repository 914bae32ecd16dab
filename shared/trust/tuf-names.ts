/**
 * The names that Keyturn lets into TUF metadata. They end up in URLs, in file names and in glob patterns, so nothing
 * with a second meaning in any of them is allowed.
 */
import { RejectedError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { TOP_LEVEL_ROLES } from './tuf-metadata.ts';

const TARGET_PATH = /^[a-z0-9._/-]+$/;
const ROLE_NAME = /^[a-z][a-z0-9-]*$/;

/** The longest role name; the application's name and `release-` fit well. */
const ROLE_NAME_MAX_BYTES = 100;

/** Checks the path of a target, such as `iu-cutter/0.4.0.json`. Errors: `target-path-invalid`. */
export function checkTargetPath(path: string): void {
  const segments = path.split('/');
  const isSound =
    TARGET_PATH.test(path) &&
    path.length <= LIMITS.pathBytes &&
    segments.every((segment) => segment !== '' && !segment.startsWith('.') && !segment.includes('..'));
  if (isSound) return;
  throw new RejectedError(
    'target-path-invalid',
    `failed to check metadata: target path "${path}" is not made of a-z, 0-9, ".", "_", "-" between single slashes`,
  );
}

/** Checks the name of a delegated role. Errors: `role-name-invalid`, `role-name-reserved`. */
export function checkDelegatedRole(name: string): void {
  if (!ROLE_NAME.test(name) || name.length > ROLE_NAME_MAX_BYTES) {
    throw new RejectedError(
      'role-name-invalid',
      `failed to check metadata: role "${name}" is not made of a-z, 0-9 and "-"`,
    );
  }
  if ((TOP_LEVEL_ROLES as readonly string[]).includes(name)) {
    throw new RejectedError('role-name-reserved', `failed to check metadata: role "${name}" is no delegated role`);
  }
}

/** Checks a pattern of delegated paths: a sound path whose last segment alone is `*`. Errors: `path-pattern-invalid`. */
export function checkPathPattern(pattern: string): void {
  const folder = pattern.slice(0, -'/*'.length);
  try {
    if (!pattern.endsWith('/*')) throw new RangeError('expected "/*" at its end');
    checkTargetPath(folder);
  } catch (cause) {
    throw new RejectedError(
      'path-pattern-invalid',
      `failed to check metadata: path pattern "${pattern}" is not a folder followed by "/*"`,
      { cause },
    );
  }
}
