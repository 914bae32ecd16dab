/** OpenSSH's own `ssh-agent` in a folder of its own, and its `ssh-add` and `ssh-keygen`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type SshEnvironment = Readonly<Record<string, string>>;

/** Keys, and somebody who answers when a program asks for a passphrase. */
export class SshFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'keyturn-ssh-'));

  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, content: string, mode = 0o600): string {
    writeFileSync(this.at(name), content);
    chmodSync(this.at(name), mode);
    return this.at(name);
  }

  /** Gives the path of the private key; `.pub` stands beside it. */
  makeKey(name: string, { passphrase = '', type = 'ed25519' } = {}): string {
    const argv = ['-q', '-t', type, '-N', passphrase, '-C', 'somebody@example', '-f', this.at(name)];
    const { status, stderr } = spawnSync('ssh-keygen', argv, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ssh-keygen failed: ${stderr}`);
    return this.at(name);
  }

  publicLine(name: string): string {
    return readFileSync(`${this.at(name)}.pub`, 'utf8');
  }

  /** An environment in which `answer` is what the person types; none: the person goes away. */
  environment(answer?: string): SshEnvironment {
    const script = answer === undefined ? 'exit 1' : `printf '%s\\n' '${answer}'`;
    const program = this.write(`askpass-${answer ?? 'nobody'}`.replaceAll(' ', '-'), `#!/bin/sh\n${script}\n`, 0o700);
    return { PATH: process.env.PATH ?? '', HOME: this.path, SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export class SshAgent implements AsyncDisposable {
  readonly socketPath: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, socketPath: string) {
    this.#process = process;
    this.socketPath = socketPath;
  }

  /** `env` is its own: whoever is asked to confirm is asked by it. */
  static async start(folder: SshFolder, env: SshEnvironment): Promise<SshAgent> {
    const socketPath = folder.at('agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socketPath], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    // It says where it listens once it does.
    await once(agent.stdout, 'data');
    return new SshAgent(agent, socketPath);
  }

  /** Runs `ssh-add`. */
  add(argv: readonly string[], env: SshEnvironment): void {
    const ended = spawnSync('ssh-add', argv, {
      env: { ...env, SSH_AUTH_SOCK: this.socketPath },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (ended.status !== 0) throw new Error(`ssh-add failed: ${ended.stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}
