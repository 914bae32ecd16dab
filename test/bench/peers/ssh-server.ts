/**
 * An OpenSSH server of its own on a loopback port, with keys and configuration in a folder of its own.
 *
 * Bash that sshd starts reads `.bashrc` unless `SHLVL` says that another shell is around it. A slow start-up file of this
 * machine's user would be measured with every command, so the server sets it.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../scripts/demo/programs.ts';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import { PEER_PROGRAMS, requirePeers } from './packages.ts';

/** Where sshd gives up its rights; the distribution's service makes it, ours must see to it. */
const PRIVILEGE_FOLDER = '/run/sshd';

export class SshServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #service: ServiceProcess;
  readonly #madePrivilegeFolder: boolean;

  private constructor(parts: { port: number; folder: string; service: ServiceProcess; madePrivilegeFolder: boolean }) {
    this.port = parts.port;
    this.#folder = parts.folder;
    this.#service = parts.service;
    this.#madePrivilegeFolder = parts.madePrivilegeFolder;
  }

  static async start(folder: string): Promise<SshServer> {
    requirePeers(['sshd', 'ssh']);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of ['host_key', 'user_key']) await makeKey(join(folder, name));
    copyFileSync(join(folder, 'user_key.pub'), join(folder, 'authorized_keys'));
    chmodSync(join(folder, 'authorized_keys'), 0o600);
    const [port] = await freePorts();
    writeFileSync(join(folder, 'sshd_config'), serverConfig(folder, port));
    const madePrivilegeFolder = process.getuid?.() === 0 && !existsSync(PRIVILEGE_FOLDER);
    if (madePrivilegeFolder) mkdirSync(PRIVILEGE_FOLDER, { mode: 0o755 });
    const argv = [PEER_PROGRAMS.sshd.command, '-D', '-e', '-f', join(folder, 'sshd_config')];
    const service = new ServiceProcess(argv, { env: plainEnvironment(folder), log: join(folder, 'sshd.log') });
    await service.until(() => answers(port));
    return new SshServer({ port, folder, service, madePrivilegeFolder });
  }

  /** A client configuration with one host, `host`, at the given port: the server's own, or a relay's. */
  clientConfig(port = this.port): string {
    const path = join(this.#folder, `ssh_config-${port}`);
    writeFileSync(path, clientConfig(this.#folder, port));
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
    if (this.#madePrivilegeFolder) rmdirSync(PRIVILEGE_FOLDER);
  }
}

async function makeKey(path: string): Promise<void> {
  await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path], { env: plainEnvironment('/') });
}

function serverConfig(folder: string, port: number): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host_key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    'MaxStartups 100',
    'SetEnv SHLVL=1',
    'Subsystem sftp internal-sftp',
    'LogLevel ERROR',
    '',
  ].join('\n');
}

function clientConfig(folder: string, port: number): string {
  return [
    'Host host',
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${join(folder, 'user_key')}`,
    '  IdentitiesOnly yes',
    '  BatchMode yes',
    '  StrictHostKeyChecking accept-new',
    `  UserKnownHostsFile ${join(folder, `known_hosts-${port}`)}`,
    '  LogLevel ERROR',
    '',
  ].join('\n');
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
