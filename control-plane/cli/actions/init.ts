/**
 * `keyturn init`. The ceremony is held in a folder beside the home, which gets its name when everything is there: a home
 * is whole or not there (P8).
 */

import { existsSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { checkKinds } from '../../../shared/ledger/kinds/registry.ts';
import { APP_PATTERN } from '../../../shared/release/release-statement.ts';
import type { Role } from '../../../shared/rpc/peer-identity.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { makeDirectory, removeTree, writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { moveTree } from '../../../shared/store/tree-move.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { type AcceptedSubGap, FORBIDDEN_ACTIONS, POLICY_PATH } from '../../../shared/trust/policy.ts';
import { openAuthority } from '../../authority/authority-files.ts';
import { issueOperatorIdentity } from '../../authority/operator-identity.ts';
import { createControlPlane } from '../../service.ts';
import { openSqliteStore } from '../../store/database.ts';
import { type Ceremony, type CeremonyRequest, holdCeremony, type Quorum } from '../ceremony.ts';
import { FIRST_PUBLICATION, Home } from '../home.ts';
import { outputOf } from '../output.ts';
import { newPassphrase, type PassphraseOptions } from '../passphrase.ts';

export interface InitOptions extends PassphraseOptions {
  readonly home: string;
  readonly app: readonly string[];
  readonly root: Quorum;
  readonly targets: Quorum;
  readonly releasers: Quorum;
  readonly approver: readonly { name: string; team: string }[];
  readonly acceptGap: readonly AcceptedSubGap[];
  /** Actions that the policy shall not forbid. */
  readonly allow: readonly string[];
  /** Where operators will find the control plane. */
  readonly address: string;
}

/** Whoever runs a pipeline pushes, whoever operates deploys, whoever looks only looks: one certificate for each. */
const FIRST_OPERATORS: readonly Role[] = ['releaser', 'operator', 'viewer'];

export async function init(options: InitOptions, command: Command): Promise<void> {
  const output = outputOf(command);
  const home = new Home(options.home);
  assertVacant(home);
  for (const app of options.app) {
    if (!APP_PATTERN.test(app)) throw new UsageError(`application "${app}": expected ${APP_PATTERN}`);
  }
  for (const { checkKind } of options.acceptGap) assertKind(checkKind);
  for (const action of options.allow) assertAction(action);
  const passphrase = await newPassphrase(options, output);
  const ceremony = await holdIn(home, { options, passphrase });
  const { roles, lines } = describe(home, { ceremony, options });
  output.result({ home: home.folder, roles }, () => lines);
}

function assertVacant(home: Home): void {
  if (home.exists()) {
    throw new RejectedError('home-exists', `failed to hold a ceremony in "${home.folder}": one was held there`, {
      hint: 'name another folder with --home',
    });
  }
  const found = statSync(home.folder, { throwIfNoEntry: false });
  if (!found || (found.isDirectory() && readdirSync(home.folder).length === 0)) return;
  throw new RejectedError(
    'home-not-empty',
    `failed to hold a ceremony in "${home.folder}": expected no folder or an empty one`,
    { hint: 'name another folder with --home' },
  );
}

/** A gap of a kind that no check has would never be accepted: a slip that shows only at the first verdict. */
function assertKind(kind: string): void {
  if (checkKinds.has(kind)) return;
  throw new UsageError(`accepted gap of kind "${kind}": expected one of ${[...checkKinds.keys()].sort().join(', ')}`);
}

function assertAction(action: string): void {
  if (FORBIDDEN_ACTIONS.some((name) => name === action)) return;
  throw new UsageError(`action "${action}": expected one of ${FORBIDDEN_ACTIONS.join(', ')}`);
}

async function holdIn(
  home: Home,
  { options, passphrase }: { options: InitOptions; passphrase: string | undefined },
): Promise<Ceremony> {
  makeDirectory(dirname(home.folder));
  const unfinished = new Home(`${home.folder}.unfinished`);
  // What a ceremony that was killed has left: keys that nobody trusts.
  removeTree(unfinished.folder);
  try {
    const ceremony = await fill(unfinished, { options, passphrase });
    if (existsSync(home.folder)) rmdirSync(home.folder);
    moveTree(unfinished.folder, home.folder);
    return ceremony;
  } catch (error) {
    removeTree(unfinished.folder);
    throw error;
  }
}

async function fill(
  home: Home,
  { options, passphrase }: { options: InitOptions; passphrase: string | undefined },
): Promise<Ceremony> {
  makeDirectory(home.folder, { mode: 0o700 });
  const { timestampKey, log } = await createControlPlane(home.controlPlane);
  const ceremony = holdCeremony(requestOf(options, { timestampKey, log }));
  for (const [role, keys] of ceremony.keys) {
    for (const [name, key] of keys) home.saveKey(role, { name, key, passphrase });
  }
  await saveOperators(home, options.address);
  saveFirstPublication(home, ceremony);
  writeFileAtomic(home.policyPath, ceremony.policy);
  home.saveTrust(new Map([...ceremony.metadata].filter(([file]) => file === 'root.json')));
  return ceremony;
}

function requestOf(options: InitOptions, online: Pick<CeremonyRequest, 'timestampKey' | 'log'>): CeremonyRequest {
  return {
    root: options.root,
    targets: options.targets,
    releasers: new Map(options.app.map((app) => [app, options.releasers])),
    approvers: options.approver,
    acceptedGaps: [...options.acceptGap],
    forbidden: FORBIDDEN_ACTIONS.filter((action) => !options.allow.includes(action)),
    ...online,
    now: new Date(),
  };
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

function describe(home: Home, { ceremony, options }: { ceremony: Ceremony; options: InitOptions }) {
  const roles = [...ceremony.keys].map(([role, keys]) => ({
    role,
    keys: keys.size,
    keyIds: [...keys.values()].map((key) => key.keyId),
  }));
  const { root, targets, app: apps, approver: approvers } = options;
  const lines = [
    `ceremony held in ${home.folder}`,
    `  keys/root, keys/targets     ${root.threshold}/${root.keys} and ${targets.threshold}/${targets.keys}: keep offline`,
    ...apps.map((app) => `  keys/release-${app}, keys/snapshot   to the release machine`),
    `  keys/approvers              ${approvers.map(({ name, team }) => `${name} (${team})`).join(', ')}: one to each`,
    '  operators/                  client certificates: releaser, operator, viewer',
    '  control-plane/              to the server: CA, freshness key, first publication',
    'next: keyturn serve',
  ];
  return { roles, lines };
}
