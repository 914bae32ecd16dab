/**
 * What holds after every mutation, whatever became of it. Each rule gives the sentences that are not true; none is good.
 *
 * It looks at the disk and at the journal's rows, never at what the agent says of itself.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalText, type Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { checkSignedBy } from '../../shared/trust/tuf-signing.ts';
import type { AttackedHost, HostTemplate } from './attacked-host.ts';
import { INSTALL_ROOT } from './built-release.ts';
import { GATE_DOCUMENT, GATE_SOCKET, RUNTIME_FOLDER } from './gate-document.ts';
import { orderFaults } from './gate-invariants.ts';
import { type JournalRows, listing } from './host-state.ts';
import type { SignedOrders } from './signed-orders.ts';
import type { SignedRepository } from './signed-repository.ts';

/** Roles that an enemy may have the keys of without being able to ship anything. */
const STEALABLE = ['timestamp', 'snapshot'];

const RUNTIME_FILES: ReadonlySet<string> = new Set([RUNTIME_FOLDER, GATE_DOCUMENT, GATE_SOCKET]);

/** What an honest run leaves, to be compared with. */
export interface HonestEnd {
  readonly listing: readonly string[];
  /** `check status` in the order of observation. */
  readonly statuses: readonly string[];
}

export interface Surroundings {
  readonly root: readonly string[];
  readonly state: readonly string[];
  /** Pids of processes that this one has started. */
  readonly children: readonly string[];
}

/** Everything of the host that no run may touch. */
export function surroundingsOf(host: AttackedHost): Surroundings {
  const root = listing(join(host.folder, 'root'), (path) => path.startsWith(`${INSTALL_ROOT.slice(1)}/`));
  // The journal's own files change with every step, and what others may read of the gates is looked at by itself.
  const state = listing(host.stateDirectory, (path) => path.startsWith('journal.sqlite') || RUNTIME_FILES.has(path));
  return { root, state, children: children() };
}

export interface Looked {
  readonly host: AttackedHost;
  readonly template: HostTemplate;
  readonly honest: HonestEnd;
  readonly before: Surroundings;
  readonly orders: SignedOrders;
}

export function violations(looked: Looked): string[] {
  const { host } = looked;
  const rows = host.journal.rows();
  const installed = withoutDeployManifest(listing(host.installRoot));
  return [
    ...installedFaults(installed, looked),
    ...surroundingFaults(host, looked.before),
    ...trustFaults(rows, host.repository),
    ...materialFaults(rows, host.repository),
    ...runFaults(installed, looked),
    ...entryFaults(rows),
    ...orderFaults(rows, looked),
    ...processFaults(looked.before),
    ...(host.isIdle() ? [] : ['the agent has not come to rest']),
  ];
}

/** The install root is as it was, or holds the signed tree besides, or is what an honest removal leaves. */
function installedFaults(installed: string, { host, template, honest }: Looked): string[] {
  const allowed = [template.listing, honest.listing, host.pristine].map(withoutDeployManifest);
  const promoted = host.promotions.map(withoutDeployManifest);
  return [
    ...(allowed.includes(installed) ? [] : [`the install root holds what nobody signed:\n${installed}`]),
    ...(promoted.every((listed) => allowed.includes(listed)) ? [] : ['for a moment, what nobody signed was installed']),
  ];
}

/** `DEPLOY-MANIFEST.txt` names the run and the time; it is the one file that the tree digest leaves out. */
export function withoutDeployManifest(lines: readonly string[]): string {
  return lines.map((line) => line.replace(/(DEPLOY-MANIFEST\.txt) [0-9a-f]{64}$/, '$1')).join('\n');
}

function surroundingFaults(host: AttackedHost, before: Surroundings): string[] {
  const now = surroundingsOf(host);
  const left = readdirSync(host.temporary);
  return [
    ...difference('beside the install root', before.root, now.root),
    ...difference('in the state folder', before.state, now.state),
    ...left.map((name) => `"${name}" was left in the temporary folder`),
  ];
}

function difference(where: string, before: readonly string[], now: readonly string[]): string[] {
  const added = now.filter((line) => !before.includes(line)).map((line) => `new ${where}: ${line}`);
  const gone = before.filter((line) => !now.includes(line)).map((line) => `gone ${where}: ${line}`);
  return [...added, ...gone];
}

/** Trusted is only what honest people signed, or whoever has the keys that the enemy has for some mutations. */
function trustFaults(rows: JournalRows, repository: SignedRepository): string[] {
  const trusted = new Map(
    (rows.get('trusted_metadata') ?? []).map(({ name, bytes }) => [String(name), bytes as Buffer]),
  );
  const root = trusted.get('root.json');
  if (root === undefined) return ['the trusted root is gone'];
  const genuine = new Set([...repository.files.values(), ...repository.baseline.values()].map(signedPart));
  const forged = [...trusted].filter(([name, bytes]) => {
    const role = name.replace(/\.json$/, '');
    return !genuine.has(signedPart(bytes)) && !(STEALABLE.includes(role) && isSignedBy(root, { role, bytes }));
  });
  const targets = (rows.get('verified_target') ?? []).filter(
    ({ bytes }) => ![...repository.files.values()].some((file) => file.equals(bytes as Buffer)),
  );
  return [
    ...forged.map(([name, bytes]) => `trusted "${name}" was signed by nobody: ${bytes.toString('utf8', 0, 200)}`),
    ...targets.map(({ path }) => `target "${path}" was signed by nobody`),
  ];
}

function signedPart(bytes: Buffer): string {
  const document = JSON.parse(bytes.toString('utf8')) as { signed?: Json };
  return document.signed === undefined ? '' : canonicalText(document.signed);
}

function isSignedBy(root: Buffer, { role, bytes }: { role: string; bytes: Buffer }): boolean {
  try {
    checkSignedBy(root, role, bytes);
    return true;
  } catch (error) {
    if (error instanceof RejectedError) return false;
    throw error;
  }
}

function materialFaults(rows: JournalRows, { files, blobs }: SignedRepository): string[] {
  const genuine = new Set([...files.values(), ...blobs.values()].map((bytes) => sha256(bytes)));
  return (rows.get('materials') ?? [])
    .filter(({ bytes }) => !genuine.has(sha256(bytes as Buffer)))
    .map(({ run, name }) => `the ${name} of run "${run}" was signed by nobody`);
}

/** No check is better than in the honest run, and no run is proven that did not stand every one. */
function runFaults(installed: string, { host, honest, template }: Looked): string[] {
  const known = new Set((template.rows.get('runs') ?? []).map(({ id }) => id));
  const isInstalled = installed === withoutDeployManifest(honest.listing);
  return [...host.journal.runs()].flatMap(([run, { phase, statuses }]) => {
    const seen = statuses.filter(({ gate }) => gate !== 'ROLLBACK').map(({ check, status }) => `${check} ${status}`);
    const passed = seen.filter((line) => line.endsWith(' PASS') && !honest.statuses.includes(line));
    const isProven = phase === 'proven';
    return [
      ...passed.map((line) => `run "${run}" claims "${line}"`),
      ...(isProven && seen.join() !== honest.statuses.join() ? [`run "${run}" is proven by ${seen.join(', ')}`] : []),
      ...(isProven && !known.has(run) && !isInstalled ? [`run "${run}" is proven, and its tree does not stand`] : []),
    ];
  });
}

function entryFaults(rows: JournalRows): string[] {
  const ids = new Set((rows.get('runs') ?? []).map(({ id }) => id));
  return (rows.get('ledger_entries') ?? []).flatMap(({ run, bytes }) => {
    const { entry } = parseEntry(bytes as Buffer);
    return entry.run === run && ids.has(run) ? [] : [`an entry of "${entry.run}" stands in the ledger of "${run}"`];
  });
}

/** Every check has ended with its run: this process has no child that it had not before. */
function processFaults(before: Surroundings): string[] {
  const left = children().filter((pid) => !before.children.includes(pid));
  return left.map((pid) => `process ${pid} was left behind`);
}

function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    const path = `/proc/self/task/${task}/children`;
    // A thread may have ended since; its children are another's then.
    return existsSync(path)
      ? readFileSync(path, 'utf8')
          .split(' ')
          .filter((pid) => pid !== '')
      : [];
  });
}
