/** The programs that Keyturn is compared with, from the distribution's packages. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

export interface PeerProgram {
  readonly command: string;
  readonly debianPackage: string;
}

export const PEER_PROGRAMS = {
  sshd: { command: '/usr/sbin/sshd', debianPackage: 'openssh-server' },
  ssh: { command: '/usr/bin/ssh', debianPackage: 'openssh-client' },
  nginx: { command: '/usr/sbin/nginx', debianPackage: 'nginx-light' },
  ansible: { command: '/usr/bin/ansible-playbook', debianPackage: 'ansible-core' },
  rsync: { command: '/usr/bin/rsync', debianPackage: 'rsync' },
  curl: { command: '/usr/bin/curl', debianPackage: 'curl' },
  openssl: { command: '/usr/bin/openssl', debianPackage: 'openssl' },
} as const satisfies Readonly<Record<string, PeerProgram>>;
export type PeerName = keyof typeof PEER_PROGRAMS;

/** What a figure is compared with is not on this machine; the figure is left out, and says so. */
export class PeerMissing extends Error {}

/** Installs what is missing, as root. What is still missing afterwards is told in one line each, and left to the figures. */
export function installPeers(say: (line: string) => void): void {
  const missing = Object.values(PEER_PROGRAMS).filter(isMissing);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    say(`installing ${packages.join(', ')}`);
    withoutStartingServices(() => {
      apt(['update', '-qq']);
      apt(['install', '-y', '-qq', '--no-install-recommends', ...packages]);
    });
  }
  for (const { command, debianPackage } of missing.filter(isMissing)) {
    say(`missing: ${command}; install it with: sudo apt-get install ${debianPackage}`);
  }
}

/** Errors: `PeerMissing`. */
export function requirePeers(names: readonly PeerName[]): void {
  const missing = names.map((name) => PEER_PROGRAMS[name]).filter(isMissing);
  if (missing.length > 0) {
    throw new PeerMissing(
      `missing: ${missing.map(({ command, debianPackage }) => `${command} (${debianPackage})`).join(', ')}`,
    );
  }
}

function isMissing({ command }: PeerProgram): boolean {
  return !existsSync(command);
}

const POLICY = '/usr/sbin/policy-rc.d';

/** Debian's own way to install a server without starting it: `policy-rc.d` answers 101, "not allowed". */
function withoutStartingServices(install: () => void): void {
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (isOurs) rmSync(POLICY);
  }
}

function apt(argv: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', argv, { stdio: ['ignore', 'ignore', 'inherit'], env, timeout: 10 * 60_000 });
}
