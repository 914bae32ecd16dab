/**
 * The fingerprint of a host, as far as an installation could change it. What counts, and therefore is compared:
 *
 * - `path:<name>`: each name in the install root but `.keyturn`, with kind and mode (and a link's target);
 * - `anchor:<name>`: the content of each neighbour that the plan preserves;
 * - `unit:<path>`, `cron:<path>`: each systemd unit, timer and crontab, with its content;
 * - `process:<pid>`: each process that refers to the install path;
 * - `port:<address>`: each port that such a process listens on.
 *
 * What other programs do meanwhile (their processes, ports, files elsewhere) does not count, so that a busy host does
 * not fail a run; their ports are recorded all the same. Owners, times and inodes do not count either.
 */
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { TransientError } from '../../shared/errors.ts';
import type { RunPlaces } from '../checks/observe.ts';
import { type AnchorReading, readAnchor } from './anchor.ts';
import type { Fingerprint } from './fingerprint-difference.ts';
import { type ProcessesSeen, processesNaming, type ReferringProcess } from './host-processes.ts';
import { readSchedules, type Schedules } from './host-schedules.ts';
import { type ListeningPort, listeningPorts } from './listening-ports.ts';
import { KEYTURN_FOLDER } from './places.ts';

export interface FingerprintOptions {
  readonly places: RunPlaces;
  /** Names in the install root. */
  readonly preserve: readonly string[];
  readonly procRoot?: string | undefined;
  /** Where `etc`, `usr`, `run`, `var` and `home` are. */
  readonly hostRoot?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Errors: `TransientError` when something that counts changes while it is read, or cannot be read. */
export async function captureFingerprint(options: FingerprintOptions): Promise<Fingerprint> {
  return (await surveyHost(options)).fingerprint;
}

/** What of a fingerprint is compared; of others' ports nothing is. Errors: as `captureFingerprint`. */
export async function captureFacts(options: FingerprintOptions): Promise<Pick<Fingerprint, 'facts'>> {
  return { facts: await factsOf(await lookAtHost(options), options) };
}

/** What refers to the install path now. */
export interface TargetReferences {
  readonly units: readonly string[];
  readonly cronEntries: readonly string[];
  /** `pid 4711 (argument, program)`. */
  readonly processes: readonly string[];
  readonly ports: readonly string[];
  /** Of all processes that were looked at. */
  readonly processCount: number;
  /** Of those: only their arguments could be seen. */
  readonly hiddenProcessCount: number;
  /** Folders of units or crontabs that are closed to the agent. */
  readonly unreadable: readonly string[];
}

/** The fingerprint and what refers to the install path, both from one look at the host. Errors: as `captureFingerprint`. */
export async function surveyHost(
  options: FingerprintOptions,
): Promise<{ fingerprint: Fingerprint; references: TargetReferences }> {
  const look = await lookAtHost(options, listeningPorts(options.procRoot ?? '/proc'));
  const facts = await factsOf(look, options);
  const listening = [...new Set((await look.ports()).map(({ address }) => address))].sort();
  return {
    fingerprint: { schema: 'keyturn.fingerprint/v1', facts, listeningPorts: listening },
    references: await referencesIn(look),
  };
}

/** Errors: as `captureFingerprint`. */
export async function findTargetReferences(options: Omit<FingerprintOptions, 'preserve'>): Promise<TargetReferences> {
  return referencesIn(await lookAtHost(options));
}

interface Look {
  readonly schedules: Schedules;
  readonly processes: ProcessesSeen;
  readonly ports: () => Promise<readonly ListeningPort[]>;
}

/** `reading`: the ports, where they are wanted in any case; without it they are read when they are asked for first. */
async function lookAtHost(
  { places, signal, procRoot = '/proc', hostRoot = '/' }: Omit<FingerprintOptions, 'preserve'>,
  reading?: Promise<readonly ListeningPort[]>,
): Promise<Look> {
  reading?.catch(() => undefined); // heard where the ports are asked for
  const naming = pathsOfTarget(places);
  const schedules = await readSchedules({ hostRoot, naming, signal });
  let ports = reading;
  return {
    schedules,
    processes: processesNaming(naming, procRoot),
    ports: () => {
      ports ??= listeningPorts(procRoot);
      return ports;
    },
  };
}

async function factsOf(
  { schedules, processes, ports }: Look,
  { places, preserve, signal }: FingerprintOptions,
): Promise<Fingerprint['facts']> {
  return {
    ...listing(places.installRoot),
    ...(await anchors(places, { preserve, signal })),
    ...Object.fromEntries(schedules.facts),
    ...processFacts(processes.referring, await portsHeldBy(processes.referring, ports)),
  };
}

async function referencesIn({ schedules, processes, ports }: Look): Promise<TargetReferences> {
  const { referring, lookedAtCount, hiddenCount } = processes;
  return {
    processCount: lookedAtCount,
    hiddenProcessCount: hiddenCount,
    unreadable: schedules.unreadable,
    units: schedules.unitsNaming,
    cronEntries: schedules.cronEntriesNaming,
    processes: referring.map(({ pid, by }) => `pid ${pid} (${by.join(', ')})`),
    ports: (await portsHeldBy(referring, ports)).map(({ address }) => address),
  };
}

/** The install path on this host, and as the plan says it where the two differ. */
function pathsOfTarget({ installPath, rootPrefix }: RunPlaces): string[] {
  return rootPrefix === '' ? [installPath] : [installPath, installPath.slice(rootPrefix.length)];
}

function listing(installRoot: string): Record<string, string> {
  try {
    const names = readdirSync(installRoot, { encoding: 'buffer' }).filter((name) => name.toString() !== KEYTURN_FOLDER);
    return Object.fromEntries(names.map((name) => [`path:${nameText(name)}`, standing(installRoot, name)]));
  } catch (cause) {
    throw new TransientError(`failed to list install root "${installRoot}"`, { cause });
  }
}

function standing(installRoot: string, name: Buffer): string {
  const path = Buffer.concat([Buffer.from(`${installRoot}/`), name]);
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return `link ${readlinkSync(path, { encoding: 'buffer' }).toString('latin1')}`;
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isDirectory()) return `folder ${mode}`;
  return `${stat.isFile() ? 'file' : 'special'} ${mode}`;
}

async function anchors(
  places: RunPlaces,
  { preserve, signal }: { preserve: readonly string[]; signal: AbortSignal | undefined },
): Promise<Record<string, string>> {
  const facts: Record<string, string> = {};
  for (const name of preserve) {
    facts[`anchor:${name}`] = anchorText(await readAnchor(join(places.installRoot, name), { signal }));
  }
  return facts;
}

function anchorText(reading: AnchorReading): string {
  return 'digest' in reading ? `${reading.is} ${reading.digest}` : reading.is;
}

function processFacts(processes: readonly ReferringProcess[], held: readonly HeldPort[]): Record<string, string> {
  return Object.fromEntries([
    ...processes.map(({ pid, program, by }) => [`process:${pid}`, `${program} by ${by.join(', ')}`]),
    ...held.map(({ address, pid }) => [`port:${address}`, `pid ${pid}`]),
  ]);
}

interface HeldPort {
  readonly address: string;
  readonly pid: number;
}

/** Where nothing refers to the target nothing holds a port for it, and none is looked for. */
async function portsHeldBy(processes: readonly ReferringProcess[], ports: Look['ports']): Promise<HeldPort[]> {
  const holders = processes.filter(({ sockets }) => sockets.length > 0);
  if (holders.length === 0) return [];
  const listening = await ports();
  return holders.flatMap(({ pid, sockets }) =>
    listening.filter(({ inode }) => sockets.includes(inode)).map(({ address }) => ({ address, pid })),
  );
}

function nameText(name: Buffer): string {
  const text = name.toString('utf8');
  return Buffer.from(text).equals(name) ? text : `bytes ${name.toString('hex')}`;
}
