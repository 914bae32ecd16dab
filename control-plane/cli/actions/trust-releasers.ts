/** `keyturn trust add-releaser` and `remove-releaser`. */

import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { APP_PATTERN } from '../../../shared/release/release-statement.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { readInputFile } from '../../../shared/service/input-file.ts';
import { generateKey, type PublicKey, parsePublicKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { fileNameOf, releaseRoleOf } from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import { createReleases, type Keyholders, releasersOf, removeReleases } from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { validUntil } from '../ceremony.ts';
import { homeOf } from '../connection.ts';
import type { Home } from '../home.ts';
import { outputOf } from '../output.ts';
import { newPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { trustedRole } from '../publication.ts';
import { publishTargets } from '../targets-publication.ts';

interface AddOptions extends PassphraseOptions {
  readonly key?: string;
  readonly threshold?: number;
}

export async function addReleaser(app: string, command: Command): Promise<void> {
  assertApp(app);
  const { key: file, threshold, ...options } = command.optsWithGlobals() as AddOptions;
  const added = file === undefined ? undefined : readPublicKey(file);
  const { keyId } = await (added
    ? addKey(app, { command, options, added, threshold, fresh: [] })
    : addNewKey(app, { command, options, threshold }));
  outputOf(command).result({ app, added: keyId }, () => [`${keyId} may sign releases of ${app}`]);
}

function readPublicKey(file: string): PublicKey {
  return parsePublicKey(readInputFile(file, 'public key').toString('utf8'), `key "${file}"`);
}

interface Addition {
  readonly command: Command;
  readonly options: PassphraseOptions;
  readonly threshold: number | undefined;
}

/** The key is on disk before anybody trusts it; where it is refused, or nobody ever saw it, it goes again. */
async function addNewKey(app: string, { command, options, threshold }: Addition): Promise<PublicKey> {
  const home = homeOf(command);
  const role = releaseRoleOf(app);
  const key = generateKey();
  const passphrase = await newPassphrase(options, outputOf(command));
  home.saveNewKey(role, { key, passphrase });
  let isOffered = false;
  const onOffer = (): void => {
    isOffered = true;
  };
  try {
    return await addKey(app, { command, options, threshold, added: key, fresh: [key], onOffer });
  } catch (error) {
    if (error instanceof RejectedError || !isOffered) home.removeNewKey(role, key);
    throw error;
  }
}

interface KeyAddition extends Addition {
  readonly added: PublicKey;
  /** The same with its private half, where it was made just now. */
  readonly fresh: readonly SigningKey[];
  /** Called before anybody else gets to see the key. */
  readonly onOffer?: () => void;
}

async function addKey(app: string, { added, fresh, threshold, onOffer, ...rest }: KeyAddition): Promise<PublicKey> {
  await changeReleasers(app, {
    ...rest,
    fresh,
    change: (current) => {
      const next = withKey(current, { app, added, threshold });
      onOffer?.();
      return next;
    },
  });
  return added;
}

function withKey(
  current: Keyholders | undefined,
  { app, added, threshold }: { app: string; added: PublicKey; threshold: number | undefined },
): Keyholders {
  const keys = [...(current?.keys ?? []), added];
  const least = threshold ?? current?.threshold ?? 1;
  if (current?.keys.some(({ keyId }) => keyId === added.keyId)) {
    throw new RejectedError(
      'releaser-known',
      `failed to add releaser "${added.keyId}" of "${app}": the role has that key`,
    );
  }
  if (least <= keys.length) return { keys, threshold: least };
  throw thresholdOutOfReach(app, { keys: keys.length, threshold: least });
}

export async function removeReleaser({ app, keyId }: { app: string; keyId: string }, command: Command): Promise<void> {
  assertApp(app);
  const options = command.optsWithGlobals() as PassphraseOptions;
  const change = (current: Keyholders | undefined): Keyholders => withoutKey(current, { app, keyId });
  await changeReleasers(app, { command, options, change, fresh: [] });
  outputOf(command).result({ app, removed: keyId }, () => [`${keyId} may no longer sign releases of ${app}`]);
}

function withoutKey(current: Keyholders | undefined, { app, keyId }: { app: string; keyId: string }): Keyholders {
  const keys: PublicKey[] = (current?.keys ?? []).filter((key) => key.keyId !== keyId);
  if (!current || keys.length === current.keys.length) {
    throw new RejectedError(
      'releaser-unknown',
      `failed to remove releaser "${keyId}" of "${app}": the role has no such key`,
      { hint: 'see who may sign what with `keyturn trust show`' },
    );
  }
  if (current.threshold <= keys.length) return { keys, threshold: current.threshold };
  throw thresholdOutOfReach(app, { keys: keys.length, threshold: current.threshold });
}

function thresholdOutOfReach(app: string, { keys, threshold }: { keys: number; threshold: number }): RejectedError {
  return new RejectedError(
    'threshold-out-of-reach',
    `failed to change the releasers of "${app}": ${threshold} of its keys must sign, and it would have ${keys}`,
    { hint: 'add another key first: keyturn trust add-releaser' },
  );
}

interface ReleaserChange {
  readonly command: Command;
  readonly options: PassphraseOptions;
  readonly change: (current: Keyholders | undefined) => Keyholders;
  /** Keys that were made just now. */
  readonly fresh: readonly SigningKey[];
}

async function changeReleasers(app: string, { command, options, change, fresh }: ReleaserChange): Promise<void> {
  const home = homeOf(command);
  const held = await heldKeys(home, { app, options, fresh });
  await publishTargets(command, { home, options, wanted: [`${app}/any.json`] }, (trusted) => {
    const current = releasersOf(checkMetadata('targets', trustedRole(trusted, 'targets')).signed).find(
      (releaser) => releaser.app === app,
    );
    const next = change(current);
    const signers = held.filter((key) => next.keys.some(({ keyId }) => keyId === key.keyId));
    return { change: { releasers: [{ app, ...next }] }, releases: resignedReleases(trusted, { app, next, signers }) };
  });
}

/** Release keys on this machine, those made just now among them. */
async function heldKeys(
  home: Home,
  { app, options, fresh }: { app: string; options: PassphraseOptions; fresh: readonly SigningKey[] },
): Promise<readonly SigningKey[]> {
  const role = releaseRoleOf(app);
  if (!home.hasKeys(role)) return fresh;
  return withPassphrase(options, (passphrase) => home.loadKeys(role, passphrase));
}

/** The list of releases, signed by keys that count from now on: what only a dismissed key has signed is void. */
function resignedReleases(
  trusted: TrustedMetadata,
  { app, next, signers }: { app: string; next: Keyholders; signers: readonly SigningKey[] },
): ReadonlyMap<string, Uint8Array> {
  const role = releaseRoleOf(app);
  if (signers.length < next.threshold) {
    throw new RejectedError(
      'release-keys-missing',
      `failed to sign the releases of "${app}" anew: expected ${next.threshold} of its keys on this machine, got ${signers.length}`,
      { hint: 'change releasers on the machine that holds enough of the keys that remain' },
    );
  }
  const signing = { expiresAt: validUntil(new Date(), 'release'), signers };
  const previous = trusted.get(fileNameOf(role));
  const releases =
    previous === undefined ? createReleases(app, signing) : removeReleases(previous, { app, paths: [] }, signing);
  return new Map([[role, releases]]);
}

function assertApp(app: string): void {
  if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected ${APP_PATTERN}`);
}
