/** `keyturn trust` and `keyturn policy`: rotation, releasers, policy. All of it is signed here and only relayed there. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { sha256 } from '../../../shared/digest.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { APP_PATTERN } from '../../../shared/release/release-statement.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { generateKey, type PublicKey, parsePublicKey, type SigningKey } from '../../../shared/trust/keys.ts';
import { POLICY_PATH, parsePolicy } from '../../../shared/trust/policy.ts';
import {
  fileNameOf,
  releaseRoleOf,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
  versionOf,
} from '../../../shared/trust/tuf-metadata.ts';
import type { TrustedMetadata } from '../../../shared/trust/tuf-refresh.ts';
import {
  changeTargets,
  createReleases,
  createSnapshot,
  type Keyholders,
  keyholdersOf,
  releasersOf,
  removeReleases,
  rotateRoot,
  type TargetsChange,
} from '../../../shared/trust/tuf-repository.ts';
import { checkMetadata } from '../../../shared/trust/tuf-rules.ts';
import { validUntil } from '../ceremony.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import type { Home } from '../home.ts';
import { outputOf } from '../output.ts';
import { newPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { type Change, publishChange, refreshHome, trustedRole } from '../publication.ts';

export function addTrust(program: Command): void {
  const trust = program.command('trust').description('rotate keys, add and remove releasers, show who may sign what');
  passphraseOptions(
    trust
      .command('rotate <role>')
      .description(
        `replace the keys of a role (${TOP_LEVEL_ROLES.filter((role) => role !== 'timestamp').join(', ')}); signed by the old and the new root keys`,
      ),
  ).action(async (role: string, _options, command: Command) => rotate(role, command));
  passphraseOptions(
    trust
      .command('add-releaser <app>')
      .description('let a key sign releases of an application')
      .option('--key <file>', 'a public key (SPKI PEM); a new key is made unless given')
      .option('--threshold <n>', 'how many of the keys must sign from now on', Number),
  ).action(async (app: string, _options, command: Command) => addReleaser(app, command));
  passphraseOptions(
    trust
      .command('remove-releaser <app> <key-id>')
      .description('take a release key away; its threshold must stay reachable'),
  ).action(async (app: string, keyId: string, _options, command: Command) => removeReleaser({ app, keyId }, command));
  trust
    .command('show')
    .description('roles, keys, thresholds, versions, expiry')
    .action(async (_options, command: Command) => show(command));
  const policy = program.command('policy').description('who may approve what, and what a host demands');
  passphraseOptions(
    policy.command('sign').description('check policy.json, sign it with the targets keys, publish it'),
  ).action(async (_options, command: Command) => signPolicy(command));
}

function passphraseOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'its first line is the passphrase of the key files')
    .option('--no-passphrase', 'the key files are not encrypted');
}

async function rotate(role: string, command: Command): Promise<void> {
  if (!isRotatable(role)) throw new UsageError(`role "${role}": expected root, targets or snapshot`);
  const home = homeOf(command);
  const options = command.optsWithGlobals() as PassphraseOptions;
  const rootKeys = await withPassphrase(options, (passphrase) => home.loadKeys('root', passphrase));
  const oldKeys = await withPassphrase(options, (passphrase) => home.loadKeys(role, passphrase));
  const snapshotKeys = await withPassphrase(options, (passphrase) => home.loadKeys('snapshot', passphrase));
  const passphrase = await newPassphrase(options);
  const fresh = oldKeys.map(() => generateKey());
  const trusted = await withControlPlane(command, 'releaser', (publisher) =>
    publishChange(publisher, (current) =>
      rotation(current, { role, rootKeys, fresh, snapshotKeys: role === 'snapshot' ? fresh : snapshotKeys }),
    ),
  );
  home.replaceKeys(role, { keys: fresh, passphrase });
  outputOf(command).result(
    { role, keyIds: fresh.map(({ keyId }) => keyId), rootVersion: versionOf(trustedRole(trusted, 'root')) },
    () => [
      `${role}: ${fresh.length} new key${fresh.length === 1 ? '' : 's'}, root version ${versionOf(trustedRole(trusted, 'root'))}`,
      ...fresh.map(({ keyId }) => `  ${keyId}`),
    ],
  );
}

interface RotationKeys {
  readonly role: RotatableRole;
  readonly rootKeys: readonly SigningKey[];
  /** The new keys of the role. */
  readonly fresh: readonly SigningKey[];
  readonly snapshotKeys: readonly SigningKey[];
}

/** A new root; what the rotated role itself signs is signed anew with the keys that now count. */
function rotation(trusted: TrustedMetadata, keys: RotationKeys): Change {
  const { role, rootKeys, fresh } = keys;
  const now = new Date();
  const { signed } = checkMetadata('root', trustedRole(trusted, 'root'));
  const { threshold } = keyholdersOf(signed, role);
  const signers = role === 'root' ? [...rootKeys, ...fresh] : rootKeys;
  const root = rotateRoot(
    trustedRole(trusted, 'root'),
    { [role]: { keys: fresh, threshold } },
    { expiresAt: validUntil(now, 'root'), signers },
  );
  return { metadata: new Map([['root', root], ...resigned(trusted, { keys, now })]), targets: new Map() };
}

function resigned(trusted: TrustedMetadata, { keys, now }: { keys: RotationKeys; now: Date }): [string, Uint8Array][] {
  if (keys.role === 'root') return [];
  const targets = changeTargets(
    trustedRole(trusted, 'targets'),
    {},
    { expiresAt: validUntil(now, 'targets'), signers: keys.fresh },
  );
  const changed: [string, Uint8Array][] = keys.role === 'targets' ? [['targets', targets]] : [];
  const expiresAt = validUntil(now, 'snapshot');
  const snapshot = createSnapshot(trustedRole(trusted, 'snapshot'), new Map(changed), {
    expiresAt,
    signers: keys.snapshotKeys,
  });
  return [...changed, ['snapshot', snapshot]];
}

async function addReleaser(app: string, command: Command): Promise<void> {
  if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected ${APP_PATTERN}`);
  const home = homeOf(command);
  const {
    key: file,
    threshold,
    ...options
  } = command.optsWithGlobals() as PassphraseOptions & { key?: string; threshold?: number };
  const made = file === undefined ? generateKey() : undefined;
  const added: PublicKey = made ?? parsePublicKey(readFileSync(file ?? '', 'utf8'), file);
  const change = (current: Keyholders | undefined): Keyholders => ({
    keys: [...(current?.keys ?? []), added],
    threshold: threshold ?? current?.threshold ?? 1,
  });
  const fresh = made ? [made] : [];
  const passphrase = fresh.length > 0 ? await newPassphrase(options) : undefined;
  await changeReleasers(app, { command, home, options, change, fresh });
  for (const key of fresh) home.saveKey(releaseRoleOf(app), { name: key.keyId.slice(0, 16), key, passphrase });
  outputOf(command).result({ app, added: added.keyId }, () => [`${added.keyId} may sign releases of ${app}`]);
}

async function removeReleaser({ app, keyId }: { app: string; keyId: string }, command: Command): Promise<void> {
  const home = homeOf(command);
  const options = command.optsWithGlobals() as PassphraseOptions;
  const change = (current: Keyholders | undefined): Keyholders => withoutKey(current, { app, keyId });
  await changeReleasers(app, { command, home, options, change, fresh: [] });
  outputOf(command).result({ app, removed: keyId }, () => [`${keyId} may no longer sign releases of ${app}`]);
}

function withoutKey(current: Keyholders | undefined, { app, keyId }: { app: string; keyId: string }): Keyholders {
  const keys: PublicKey[] = (current?.keys ?? []).filter((key) => key.keyId !== keyId);
  if (!current || keys.length === current.keys.length) {
    throw new RejectedError(
      'releaser-unknown',
      `failed to remove releaser "${keyId}" of "${app}": the role has no such key`,
    );
  }
  return { keys, threshold: current.threshold };
}

interface ReleaserChange {
  readonly command: Command;
  readonly home: Home;
  readonly options: PassphraseOptions;
  readonly change: (current: Keyholders | undefined) => Keyholders;
  /** Keys that were made just now. */
  readonly fresh: readonly SigningKey[];
}

async function changeReleasers(app: string, { command, home, options, change, fresh }: ReleaserChange): Promise<void> {
  const held = home.hasKeys(releaseRoleOf(app))
    ? await withPassphrase(options, (passphrase) => home.loadKeys(releaseRoleOf(app), passphrase))
    : [];
  await publishTargets(command, { home, options, wanted: [`${app}/any.json`] }, (trusted) => {
    const current = releasersOf(checkMetadata('targets', trustedRole(trusted, 'targets')).signed).find(
      (releaser) => releaser.app === app,
    );
    const next = change(current);
    const signers = [...held, ...fresh].filter((key) => next.keys.some(({ keyId }) => keyId === key.keyId));
    return { change: { releasers: [{ app, ...next }] }, releases: resignedReleases(trusted, { app, next, signers }) };
  });
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
      {
        hint: 'change releasers on the machine that holds enough of the keys that remain',
      },
    );
  }
  const signing = { expiresAt: validUntil(new Date(), 'release'), signers };
  const previous = trusted.get(fileNameOf(role));
  return new Map([
    [
      role,
      previous === undefined ? createReleases(app, signing) : removeReleases(previous, { app, paths: [] }, signing),
    ],
  ]);
}

async function signPolicy(command: Command): Promise<void> {
  const home = homeOf(command);
  const bytes = readFileSync(home.policyPath);
  parsePolicy(bytes);
  const policy = { length: bytes.length, sha256: sha256(bytes) };
  const options = command.optsWithGlobals() as PassphraseOptions;
  await publishTargets(
    command,
    { home, options, wanted: [] },
    () => ({ change: { policy }, releases: new Map() }),
    new Map([[POLICY_PATH, bytes]]),
  );
  outputOf(command).result({ policy: policy.sha256 }, () => [`policy ${policy.sha256} is signed and published`]);
}

interface TargetsPublication {
  readonly change: TargetsChange;
  /** Delegated roles that change with it. */
  readonly releases: ReadonlyMap<string, Uint8Array>;
}

async function publishTargets(
  command: Command,
  { home, options, wanted }: { home: Home; options: PassphraseOptions; wanted: readonly string[] },
  compose: (trusted: TrustedMetadata) => TargetsPublication,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<void> {
  const keys = await withPassphrase(options, (passphrase) => ({
    targets: home.loadKeys('targets', passphrase),
    snapshot: home.loadKeys('snapshot', passphrase),
  }));
  const sign = (trusted: TrustedMetadata): Change => {
    const now = new Date();
    const { change, releases } = compose(trusted);
    const targets = changeTargets(trustedRole(trusted, 'targets'), change, {
      expiresAt: validUntil(now, 'targets'),
      signers: keys.targets,
    });
    const changed = new Map([['targets', targets as Uint8Array], ...releases]);
    const signing = { expiresAt: validUntil(now, 'snapshot'), signers: keys.snapshot };
    const snapshot = createSnapshot(trustedRole(trusted, 'snapshot'), changed, signing);
    return { metadata: new Map([...changed, ['snapshot', snapshot]]), targets: files };
  };
  await withControlPlane(command, 'releaser', (publisher) => publishChange(publisher, sign, wanted));
}

async function show(command: Command): Promise<void> {
  const trusted = await withControlPlane(command, 'viewer', (publisher) => refreshHome(publisher));
  const { signed: root } = checkMetadata('root', trustedRole(trusted, 'root'));
  const { signed: targets } = checkMetadata('targets', trustedRole(trusted, 'targets'));
  const topLevel = TOP_LEVEL_ROLES.map((role) => ({ role: role as string, ...keyholdersOf(root, role) }));
  const releasers = releasersOf(targets).map(({ app, ...keyholders }) => ({ role: releaseRoleOf(app), ...keyholders }));
  const roles = [...topLevel, ...releasers].map(({ role, keys, threshold }) => ({
    role,
    threshold,
    keyIds: keys.map(({ keyId }) => keyId),
  }));
  const versions = [...trusted].map(([file, bytes]) => ({ file, version: versionOf(bytes) }));
  outputOf(command).result({ roles, versions }, () => [
    ...roles.flatMap(({ role, threshold, keyIds }) => [
      `${role}: ${threshold} of ${keyIds.length}`,
      ...keyIds.map((keyId) => `  ${keyId}`),
    ]),
    ...versions.map(({ file, version }) => `${file.padEnd(32)} version ${version}`),
  ]);
}

type RotatableRole = Exclude<TopLevelRole, 'timestamp'>;

function isRotatable(role: string): role is RotatableRole {
  return role === 'root' || role === 'targets' || role === 'snapshot';
}
