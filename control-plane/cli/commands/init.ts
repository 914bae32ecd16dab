/** `keyturn init`: the key ceremony. */

import { join } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { APP_PATTERN } from '../../../shared/release/release-statement.ts';
import type { Role } from '../../../shared/rpc/peer-identity.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { makeDirectory, writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import type { PublicKey } from '../../../shared/trust/keys.ts';
import { type AcceptedSubGap, POLICY_PATH } from '../../../shared/trust/policy.ts';
import { openAuthority } from '../../authority/authority-files.ts';
import { issueOperatorIdentity } from '../../authority/operator-identity.ts';
import { createControlPlane } from '../../service.ts';
import { openSqliteStore } from '../../store/database.ts';
import { type Ceremony, type CeremonyRequest, holdCeremony, type Quorum } from '../ceremony.ts';
import { FIRST_PUBLICATION, Home } from '../home.ts';
import { type CommandOutput, outputOf } from '../output.ts';
import { newPassphrase, type PassphraseOptions } from '../passphrase.ts';

interface InitOptions extends PassphraseOptions {
  readonly home: string;
  readonly app: readonly string[];
  readonly root: Quorum;
  readonly targets: Quorum;
  readonly releasers: Quorum;
  readonly approver: readonly { name: string; team: string }[];
  readonly acceptGap: readonly AcceptedSubGap[];
  readonly address: string;
}

/** Whoever runs a pipeline pushes, whoever operates deploys, whoever looks only looks: one certificate for each. */
const FIRST_OPERATORS: readonly Role[] = ['releaser', 'operator', 'viewer'];
const DEFAULT_APPROVERS = ['ops-1:operations', 'ops-2:operations', 'ops-3:operations', 'sec-1:security'];

export function addInit(program: Command): void {
  program
    .command('init')
    .description('hold the key ceremony: root, targets, release, approver and freshness keys, the CA, the first policy')
    .requiredOption('--app <name...>', 'applications that will be released')
    .option('--root <m/n>', 'root keys: m of n must sign', parseQuorum, { threshold: 2, keys: 3 })
    .option('--targets <m/n>', 'targets keys', parseQuorum, { threshold: 2, keys: 3 })
    .option('--releasers <m/n>', 'release keys of each application', parseQuorum, { threshold: 1, keys: 1 })
    .option('--approver <name:team...>', 'people who may approve an execution', DEFAULT_APPROVERS)
    .option('--accept-gap <gate:kind:owner:route:days...>', 'sub-gaps that the policy accepts', [])
    .option('--address <host:port>', 'where operators will find the control plane', '127.0.0.1:7443')
    .option('--passphrase-file <file>', 'its first line encrypts the key files')
    .option('--no-passphrase', 'leave the key files unencrypted')
    .action(async (_options, command: Command) => {
      const given = command.optsWithGlobals();
      await init(
        {
          ...given,
          approver: given.approver.map(parseApprover),
          acceptGap: given.acceptGap.map(parseGap),
        } as InitOptions,
        outputOf(command),
      );
    });
}

async function init(options: InitOptions, output: CommandOutput): Promise<void> {
  const home = new Home(options.home);
  if (home.exists()) {
    throw new RejectedError('home-exists', `failed to hold a ceremony in "${home.folder}": one was held there`, {
      hint: 'name another folder with --home',
    });
  }
  for (const app of options.app) {
    if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected ${APP_PATTERN}`);
  }
  const passphrase = await newPassphrase(options);
  makeDirectory(home.folder, { mode: 0o700 });
  const { timestampKey } = await createControlPlane(home.controlPlane);
  const ceremony = holdCeremony(requestOf(options, timestampKey));
  saveKeys(home, { ceremony, passphrase });
  await saveOperators(home, options.address);
  saveFirstPublication(home, ceremony);
  writeFileAtomic(home.policyPath, ceremony.policy);
  // Last, because its presence says that the ceremony is whole.
  home.saveTrust(new Map([...ceremony.metadata].filter(([file]) => file === 'root.json')));
  report(output, { home, ceremony, options });
}

function requestOf(options: InitOptions, timestampKey: PublicKey): CeremonyRequest {
  return {
    root: options.root,
    targets: options.targets,
    releasers: new Map(options.app.map((app) => [app, options.releasers])),
    approvers: options.approver,
    acceptedGaps: [...options.acceptGap],
    timestampKey,
    now: new Date(),
  };
}

function saveKeys(home: Home, { ceremony, passphrase }: { ceremony: Ceremony; passphrase: string | undefined }): void {
  for (const [role, keys] of ceremony.keys) {
    for (const [name, key] of keys) home.saveKey(role, { name, key, passphrase });
  }
}

/** What `keyturn serve` publishes when nothing is published yet. */
function saveFirstPublication(home: Home, { metadata, policy }: Ceremony): void {
  const folder = join(home.controlPlane, FIRST_PUBLICATION);
  makeDirectory(folder);
  for (const [name, bytes] of metadata) writeFileAtomic(join(folder, name), bytes);
  writeFileAtomic(join(folder, POLICY_PATH), policy);
}

async function saveOperators(home: Home, address: string): Promise<void> {
  const authority = await openAuthority(join(home.controlPlane, 'authority'), systemClock);
  const store = await openSqliteStore(join(home.controlPlane, 'store.sqlite'));
  try {
    for (const role of FIRST_OPERATORS) {
      const { certificate, privateKey, caCertificate } = await issueOperatorIdentity(
        { store, authority },
        { name: `first-${role}`, role },
      );
      home.saveOperator(role, { address, certificate, privateKey, caCertificate });
    }
  } finally {
    await store.destroy();
  }
}

function report(
  output: CommandOutput,
  { home, ceremony, options }: { home: Home; ceremony: Ceremony; options: InitOptions },
): void {
  const roles = [...ceremony.keys].map(([role, keys]) => ({
    role,
    keys: keys.size,
    keyIds: [...keys.values()].map((key) => key.keyId),
  }));
  output.result({ home: home.folder, roles }, () => [
    `ceremony held in ${home.folder}`,
    `  keys/root, keys/targets     ${options.root.threshold}/${options.root.keys} and ${options.targets.threshold}/${options.targets.keys}: keep offline`,
    ...options.app.map((app) => `  keys/release-${app}, keys/snapshot   to the release machine`),
    `  keys/approvers              ${options.approver.map(({ name, team }) => `${name} (${team})`).join(', ')}: one to each`,
    '  operators/                  client certificates: releaser, operator, viewer',
    '  control-plane/              to the server: CA, freshness key, first publication',
    'next: keyturn serve',
  ]);
}

function parseQuorum(text: string): Quorum {
  const [, threshold = '', keys = ''] = /^(\d{1,2})\/(\d{1,2})$/.exec(text) ?? [];
  const quorum = { threshold: Number(threshold), keys: Number(keys) };
  if (quorum.threshold >= 1 && quorum.threshold <= quorum.keys) return quorum;
  throw new UsageError(`quorum "${text}": expected m/n with 1 <= m <= n, such as 2/3`);
}

function parseApprover(text: string): { name: string; team: string } {
  const [, name, team] = /^([a-z0-9][a-z0-9._-]*):([a-z][a-z0-9-]*)$/.exec(text) ?? [];
  if (name !== undefined && team !== undefined) return { name, team };
  throw new UsageError(`approver "${text}": expected NAME:TEAM, such as an.nguyen:operations`);
}

function parseGap(text: string): AcceptedSubGap {
  const [gate = '', checkKind = '', owner = '', route = '', days = ''] = text.split(':');
  if (/^\d{1,3}$/.test(days) && owner !== '' && route !== '')
    return { gate, checkKind, owner, route, maxAgeDays: Number(days) };
  throw new UsageError(
    `accepted gap "${text}": expected GATE:KIND:OWNER:ROUTE:DAYS, such as G6:dryrun:operations:live dry run:30`,
  );
}
