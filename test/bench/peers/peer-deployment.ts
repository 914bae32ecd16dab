/** The sample payload, deployed with the same gates by a bash script over ssh, and by an Ansible playbook. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkOut } from '../../../scripts/demo/payload-repository.ts';
import { sha256OfFile } from '../measure/folder-digest.ts';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { requirePeers } from './packages.ts';
import type { SshServer } from './ssh-server.ts';

const SCRIPTS = join(import.meta.dirname, 'deploy');
export const NEIGHBOUR = 'iu-cutter';
export const INSTALLATION = 'iu-cutter-v0.6';

export interface Payload {
  /** The git repository of the sample. */
  readonly repository: string;
  /** The archive whose digest the release statement names. */
  readonly archive: string;
}

export interface PeerDeployment {
  /** Of the whole command. */
  readonly ms: number;
  readonly tests: number;
  readonly files: number;
  /** Those that passed, in order. */
  readonly gates: readonly string[];
  /** Where it stands. */
  readonly path: string;
}

/** The folder that is copied to the host. */
export async function packParcel(folder: string, { archive, repository }: Payload): Promise<string> {
  mkdirSync(folder, { recursive: true });
  copyFileSync(archive, join(folder, 'release.tar.gz'));
  for (const script of ['gates.sh', 'on-host.sh']) copyFileSync(join(SCRIPTS, script), join(folder, script));
  const tree = `${folder}-tree`;
  checkOut(repository, { ref: 'v0.6', into: tree });
  const list = "find . -type f -printf '%P\\0' | sort -z | xargs -0 sha256sum";
  const { stdout } = await runCommand(['/bin/sh', '-c', list], { cwd: tree, env: plainEnvironment(folder) });
  writeFileSync(join(folder, 'SHA256SUMS'), stdout);
  return folder;
}

export interface PeerHost {
  readonly server: SshServer;
  readonly parcel: string;
  /** Empty; the host's file system for this deployment. */
  readonly folder: string;
  readonly repository: string;
}

/** Of a host in a folder: the neighbour that must not change, and the secret that the plan names. */
function settingsOf({ parcel, folder, repository }: PeerHost): Record<string, string> {
  const root = join(folder, 'opt', 'incomex', 'dot');
  checkOut(repository, { ref: 'v0.4.0-dryrun-skeleton', into: join(root, NEIGHBOUR) });
  const secret = join(folder, 'governance_ro');
  writeFileSync(secret, 'sqlite:///nowhere', { mode: 0o600 });
  return {
    ROOT: root,
    NAME: INSTALLATION,
    NEIGHBOUR,
    INCOMING: join(folder, 'incoming'),
    WORK: join(folder, 'work'),
    SECRET: secret,
    ARCHIVE_SHA256: sha256OfFile(join(parcel, 'release.tar.gz')),
  };
}

export async function deployByScript(host: PeerHost): Promise<PeerDeployment> {
  const settings = settingsOf(host);
  const report = join(host.folder, 'report.txt');
  const argv = ['/bin/bash', join(SCRIPTS, 'deploy-over-ssh.sh'), host.server.clientConfig(), host.parcel, report];
  const { ms } = await runCommand(argv, { env: { ...plainEnvironment(host.folder), ...settings } });
  return { ms, ...readReport(report), path: join(settings.ROOT ?? '', INSTALLATION) };
}

export async function deployByPlaybook(host: PeerHost): Promise<PeerDeployment> {
  requirePeers(['ansible']);
  const settings = settingsOf(host);
  const report = join(host.folder, 'report.txt');
  mkdirSync(settings.INCOMING ?? '');
  const names = {
    ...settings,
    INSTALLATION,
    PARCEL: host.parcel,
    REPORT: report,
    GATES_FILE: join(SCRIPTS, 'gates.sh'),
  };
  const variables = Object.fromEntries(Object.entries(names).map(([name, value]) => [name.toLowerCase(), value]));
  const { name: _, ...extra } = variables;
  const control = join(host.folder, 'control');
  mkdirSync(control);
  const env = { ...plainEnvironment(host.folder), ...ansibleSettings({ ...host, control }) };
  const inventory = ['--inventory', 'host,', '--extra-vars', JSON.stringify(extra)];
  const argv = ['ansible-playbook', ...inventory, join(SCRIPTS, 'playbook.yml')];
  const { ms } = await runCommand(argv, { env }).finally(() => endMasters(host, control));
  return { ms, ...readReport(report), path: join(settings.ROOT ?? '', INSTALLATION) };
}

/** As somebody sets Ansible up for speed: one connection, modules through a pipe. */
function ansibleSettings({ server, folder, control }: PeerHost & { control: string }): Record<string, string> {
  const ssh = `-F ${server.clientConfig()} -o ControlMaster=auto -o ControlPersist=60s`;
  return {
    ANSIBLE_PIPELINING: '1',
    ANSIBLE_SSH_ARGS: ssh,
    ANSIBLE_SSH_CONTROL_PATH_DIR: control,
    ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
    ANSIBLE_HOME: join(folder, 'ansible'),
    ANSIBLE_REMOTE_TEMP: join(folder, 'ansible-remote'),
    ANSIBLE_LOCALHOST_WARNING: '0',
    ANSIBLE_NOCOLOR: '1',
  };
}

/** The connection that Ansible leaves behind would make the next deployment a warmer one; ended outside the timed path. */
async function endMasters({ server, folder }: PeerHost, control: string): Promise<void> {
  const end = `for socket in '${control}'/*; do ssh -F '${server.clientConfig()}' -S "$socket" -O exit host; done`;
  await runCommand(['/bin/sh', '-c', end], { env: plainEnvironment(folder), expected: [0, 1, 255] });
}

/** Errors: `Error` when it does not say that all gates passed. */
function readReport(path: string): Pick<PeerDeployment, 'tests' | 'files' | 'gates'> {
  const text = readFileSync(path, 'utf8');
  if (!/^RESULT PASS$/m.test(text)) throw new Error(`the peer's report "${path}" is no pass: ${text.slice(0, 400)}`);
  const number = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const gates = [...new Set([...text.matchAll(/^(G\d) \S+ PASS/gm)].map(([, gate]) => gate ?? ''))].sort();
  return { tests: number('tests'), files: number('files'), gates };
}
