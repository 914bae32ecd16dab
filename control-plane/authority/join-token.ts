/**
 * Join tokens: a secret of 256 bits that lets one host join once. Only its digest is stored, so a copy of the database
 * lets nobody in.
 */
import { randomBytes } from 'node:crypto';

import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { HOST_PATTERN } from '../../shared/rpc/peer-identity.ts';
import { addHost } from '../store/hosts.ts';
import { addJoinToken, findJoinToken, takeJoinToken } from '../store/join-tokens.ts';
import type { Store } from '../store/schema.ts';

const TOKEN_BYTES = 32;
/** Long enough to carry a file to a host, short enough that a forgotten one is worth nothing. */
export const JOIN_TOKEN_MAX_MS = 7 * 24 * 60 * 60 * 1000;

export interface JoinToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Errors: `RejectedError` with `host-name-invalid` or `lifetime-out-of-range`. */
export async function createJoinToken(
  store: Store,
  { host, lifetimeMs, now }: { host: string; lifetimeMs: number; now: number },
): Promise<JoinToken> {
  if (!HOST_PATTERN.test(host))
    throw new RejectedError('host-name-invalid', `failed to create a token for host "${host}"`);
  if (!(lifetimeMs > 0 && lifetimeMs <= JOIN_TOKEN_MAX_MS)) {
    throw new RejectedError(
      'lifetime-out-of-range',
      `failed to create a token for ${lifetimeMs} ms, expected at most ${JOIN_TOKEN_MAX_MS}`,
    );
  }
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const expiresAt = now + lifetimeMs;
  await store.transaction().execute(async (transaction) => {
    await addHost(transaction, host, now);
    await addJoinToken(transaction, { sha256: sha256(token), host, created_at: now, expires_at: expiresAt });
  });
  return { token, expiresAt };
}

export interface PresentedToken {
  readonly token: string;
  readonly host: string;
  readonly now: number;
}

/** Checks the token without using it up. Errors: `token-unknown`, `token-for-another-host`, `token-used`, `token-expired`. */
export async function checkJoinToken(store: Store, { token, host, now }: PresentedToken): Promise<void> {
  const found = await findJoinToken(store, sha256(token));
  if (found === undefined) throw refused('token-unknown', 'no such token');
  if (found.host !== host) throw refused('token-for-another-host', `it is for "${found.host}", got "${host}"`);
  if (found.used_at !== null) throw refused('token-used', 'somebody has used it');
  if (found.expires_at <= now) throw refused('token-expired', `it lapsed ${now - found.expires_at} ms ago`);
}

/** Uses the token up, in the transaction that lets its host in. Errors: `token-used`. */
export async function spendJoinToken(store: Store, { token, now }: PresentedToken): Promise<void> {
  if (!(await takeJoinToken(store, sha256(token), now))) throw refused('token-used', 'somebody has used it');
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `failed to use join token: ${reason}`, {
    hint: 'make a new one with: keyturn host token',
  });
}
