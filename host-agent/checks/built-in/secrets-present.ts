import { type SecretsPresentObservation, secretsPresentKind } from '../../../shared/ledger/kinds/secrets-present.ts';
import { blocked, type Observe, observed } from '../observe.ts';

/** Looks whether each secret is there and not empty; nothing of it is kept (P7). */
export const observeSecretsPresent: Observe = async ({ check, secrets }) => {
  const { names } = secretsPresentKind.params.parse(check.params);
  const missing = names.filter((name) => (secrets.read(name)?.byteLength ?? 0) === 0);
  if (missing.length > 0) {
    const needs = missing.map((name) => `secret ${name}`);
    return blocked(`this host has no ${needs.join(', no ')}`, needs);
  }
  return observed({ names } satisfies SecretsPresentObservation);
};
