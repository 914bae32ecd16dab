/**
 * What holds after every mutation, whatever became of it. Each rule gives the sentences that are not true; none is good.
 *
 * It looks at the disk and at the journal's rows, never at what the agent says of itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { canonicalText, type Json } from '../../shared/canonical-json.ts';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { parseEntry } from '../../shared/ledger/entry.ts';
import { checkSignedBy } from '../../shared/trust/tuf-signing.ts';
import type { AttackedHost, HostTemplate } from './attacked-host.ts';
import { type JournalRows, listing } from './host-state.ts';
import type { SignedRepository } from './signed-repository.ts';

/** What an honest run leaves, to be compared with. */
export interface HonestEnd {
  readonly listing: readonly string[];
  /** `check status` in the order of observation. */
  readonly statuses: readonly string[];
}

export interface Surroundings {
  readonly root: readonly string[];
  readonly state: readonly string[];
}

/** Everything of the host that no run may touch. */
export function surroundingsOf(host: AttackedHost): Surroundings {
  const root = listing(join(host.folder, 'root')).filter((line) => !line.includes(' opt/dot'));
  // The journal's own files change with every step; every other file of the agent stays as it is.
  const state = listing(host.stateDirectory).filter((line) => !line.includes('journal.sqlite'));
  return { root, state };
}

export function violations(
  host: AttackedHost,
  { template, honest, before }: { template: HostTemplate; honest: HonestEnd; before: Surroundings },
): string[] {
  const rows = host.journal.rows();
  return [
    ...installedFaults(host, { template, honest }),
    ...surroundingFaults(host, before),
    ...trustFaults(rows, host.repository),
    ...materialFaults(rows, host.repository),
    ...ledgerFaults(host, { rows, honest, template }),
    ...gateFaults(rows),
    ...processFaults(),
    ...(host.isIdle() ? [] : ['the agent has not come to rest']),
  ];
}

/** The install root is as it was, or holds the signed tree besides, or is what an honest removal leaves. */
function installedFaults(
  host: AttackedHost,
  { template, honest }: { template: HostTemplate; honest: HonestEnd },
): string[] {
  const now = withoutDeployManifest(listing(host.installRoot));
  const allowed = [template.listing, honest.listing, host.pristine].map(withoutDeployManifest);
  return allowed.includes(now) ? [] : [`the install root holds what nobody signed:\n${now}`];
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

/** Trusted is only what honest people signed; a timestamp also if its key, which the control plane has, did. */
function trustFaults(rows: JournalRows, repository: SignedRepository): string[] {
  const trusted = new Map(
    (rows.get('trusted_metadata') ?? []).map(({ name, bytes }) => [String(name), bytes as Buffer]),
  );
  const root = trusted.get('root.json');
  if (root === undefined) return ['the trusted root is gone'];
  const genuine = new Set([...repository.files.values(), ...repository.baseline.values()].map(signedPart));
  const forged = [...trusted].filter(([name, bytes]) =>
    name === 'timestamp.json' ? !isSignedTimestamp(root, bytes) : !genuine.has(signedPart(bytes)),
  );
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

function isSignedTimestamp(root: Buffer, bytes: Buffer): boolean {
  try {
    checkSignedBy(root, 'timestamp', bytes);
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
function ledgerFaults(
  host: AttackedHost,
  { rows, honest, template }: { rows: JournalRows; honest: HonestEnd; template: HostTemplate },
): string[] {
  const known = new Set((template.rows.get('runs') ?? []).map(({ id }) => id));
  const faults = [...host.runs()].flatMap(([run, { phase, statuses }]) => {
    const seen = statuses.filter(({ gate }) => gate !== 'ROLLBACK').map(({ check, status }) => `${check} ${status}`);
    const passed = seen.filter((line) => line.endsWith(' PASS') && !honest.statuses.includes(line));
    return [
      ...passed.map((line) => `run "${run}" claims "${line}"`),
      ...(phase === 'proven' && seen.join() !== honest.statuses.join()
        ? [`run "${run}" is proven by ${seen.join(', ')}`]
        : []),
      ...(phase === 'proven' && !known.has(run) && !isInstalled(host, honest)
        ? [`run "${run}" is proven, and its tree does not stand`]
        : []),
    ];
  });
  return [...faults, ...entryFaults(rows)];
}

function isInstalled(host: AttackedHost, honest: HonestEnd): boolean {
  return withoutDeployManifest(listing(host.installRoot)) === withoutDeployManifest(honest.listing);
}

function entryFaults(rows: JournalRows): string[] {
  const ids = new Set((rows.get('runs') ?? []).map(({ id }) => id));
  return (rows.get('ledger_entries') ?? []).flatMap(({ run, bytes }) => {
    const { entry } = parseEntry(bytes as Buffer);
    return entry.run === run && ids.has(run) ? [] : [`an entry of "${entry.run}" stands in the ledger of "${run}"`];
  });
}

function gateFaults(rows: JournalRows): string[] {
  return (rows.get('execution_gates') ?? []).map(({ app }) => `the execution gate of "${app}" has moved`);
}

/** Every check has ended with its run: this process has no child. */
function processFaults(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    const children = readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim();
    return children === '' ? [] : [`process ${children} was left behind`];
  });
}
