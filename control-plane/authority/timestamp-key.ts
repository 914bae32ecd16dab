import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { RejectedError } from '../../shared/errors.ts';
import { writeFileAtomic } from '../../shared/store/atomic-file.ts';
import { generateKey, loadKey, type SigningKey, saveKey } from '../../shared/trust/keys.ts';

/** The private half, readable by its owner alone; it is online by design, so it has no passphrase. */
const KEY_FILE = 'timestamp-key.pem';
/** For whoever makes the trust root. */
export const PUBLIC_KEY_FILE = 'timestamp-key.pub.pem';

/** Makes the freshness key in the folder. Errors: `RejectedError('timestamp-key-exists')`. */
export function createTimestampKey(folder: string): SigningKey {
  const path = join(folder, KEY_FILE);
  if (existsSync(path))
    throw new RejectedError('timestamp-key-exists', `failed to make a timestamp key: "${path}" is there already`);
  const key = generateKey();
  saveKey(path, key, undefined);
  writeFileAtomic(join(folder, PUBLIC_KEY_FILE), key.publicKeyPem);
  return key;
}

/** Errors: those of `loadKey`. */
export function openTimestampKey(folder: string): SigningKey {
  return loadKey(join(folder, KEY_FILE));
}
