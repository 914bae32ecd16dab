import type { SecretSource } from '../checks/observe.ts';
import { SecretFolder } from './secret-folder.ts';
import { ServiceCredentials } from './service-credentials.ts';

/** All secrets of this host: those that were stored come before those that systemd hands over, if it does. */
export function hostSecrets(folder: string, credentials: string | undefined): SecretSource {
  const sources: SecretSource[] = [new SecretFolder(folder)];
  if (credentials !== undefined && credentials !== '') sources.push(new ServiceCredentials(credentials));
  return { read: (name) => firstOf(sources, name) };
}

function firstOf(sources: readonly SecretSource[], name: string): Uint8Array | undefined {
  for (const source of sources) {
    const secret = source.read(name);
    if (secret) return secret;
  }
  return undefined;
}
