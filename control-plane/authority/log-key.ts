/**
 * The key of the transparency log. It is online, as the control plane signs each state of the log with it; what keeps the log
 * honest is that everybody who has seen one state demands proof that the next only added to it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NoteSigner } from '../../shared/transparency/signed-note.ts';
import { generateKey, loadKey, type SigningKey, saveKey } from '../../shared/trust/keys.ts';

const KEY_FILE = 'log-key.pem';

/** Makes the key where there is none; a control plane of before the log gets one when it is started. Errors: those of `loadKey`. */
export function ensureLogKey(folder: string): NoteSigner {
  const path = join(folder, KEY_FILE);
  if (!existsSync(path)) saveKey(path, generateKey(), undefined);
  const key = loadKey(path);
  return { name: originOf(key), key };
}

/** A log is known by its key: a name that two logs could share would let one pass for the other. */
function originOf({ keyId }: SigningKey): string {
  return `keyturn.dev/log/${keyId.slice(0, 16)}`;
}
