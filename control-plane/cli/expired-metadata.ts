/**
 * Trust metadata that has run out, on the machine that can renew it.
 *
 * Whoever signs a role anew goes on although that role, or one below it, has run out. What stands above must be in force:
 * nobody would accept what is signed below it. Root is above all; targets are above the roles that list releases; the
 * snapshot is above none.
 */
import { RejectedError } from '../../shared/errors.ts';
import { fileNameOf, releaseRoleOf } from '../../shared/trust/tuf-metadata.ts';

/** The highest role that a command signs anew: it and those below may have run out. `none` signs nothing. */
export type Renewing = 'none' | 'release' | 'targets' | 'root';

const HEIGHTS: { readonly [renewing in Renewing]: number } = { none: 0, release: 1, targets: 2, root: 3 };

/** Errors: `RejectedError('metadata-expired')`, whose hint is the command that comes first. */
export function checkInForce(expired: readonly string[], renewing: Renewing): void {
  const [highest] = inOrderOfRenewal(expired).filter((role) => heightOf(role) > HEIGHTS[renewing]);
  if (highest === undefined) return;
  throw new RejectedError('metadata-expired', `failed to refresh trust: ${fileNameOf(highest)} has expired`, {
    hint: `renew it first, where its keys are: keyturn ${renewalOf(highest).join(' ')}`,
  });
}

/** A line for each, with the command that renews it. */
export function expiredLines(expired: readonly string[]): string[] {
  return inOrderOfRenewal(expired).map(
    (role) => `${fileNameOf(role)} has expired; renew it with: keyturn ${renewalOf(role).join(' ')}`,
  );
}

/** What follows `keyturn` in the command that signs a role anew. */
export function renewalOf(role: string): readonly string[] {
  // A push signs the list of releases anew.
  return role.startsWith(releaseRoleOf('')) ? ['release', 'push', 'BUNDLE'] : ['trust', 'rotate', role];
}

function inOrderOfRenewal(roles: readonly string[]): readonly string[] {
  return roles.toSorted((one, other) => heightOf(other) - heightOf(one));
}

function heightOf(role: string): number {
  return role === 'root' || role === 'targets' ? HEIGHTS[role] : HEIGHTS.release;
}
