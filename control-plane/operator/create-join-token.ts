import type { CreateJoinTokenRequest, CreateJoinTokenResponse } from '../../shared/rpc/generated/messages.ts';
import { createJoinToken as makeJoinToken } from '../authority/join-token.ts';
import type { OperatorContext } from './operator-context.ts';

export async function createJoinToken(
  { store, authority, clock }: OperatorContext,
  { host, lifetimeMs }: CreateJoinTokenRequest,
): Promise<CreateJoinTokenResponse> {
  const { token, expiresAt } = await makeJoinToken(store, { host, lifetimeMs, now: clock.now() });
  return { token, expiresAtMs: expiresAt, caCertificate: authority.caCertificate };
}
