/** A changed tree to a host that has its predecessor, by rsync. */
import { dirname } from 'node:path';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { PEER_PROGRAMS } from './packages.ts';
import type { SshServer } from './ssh-server.ts';

const TIMEOUT_MS = 10 * 60_000;

/** `rsync -az` over the old tree in place. Returns what rsync says it has sent and received, without ssh's own. */
export async function rsyncInPlace(server: SshServer, { from, to }: { from: string; to: string }): Promise<number> {
  const argv = [...rsync(server), '-az', '--delete', '--stats', '--exclude', '/.git', `${from}/`, `host:${to}/`];
  const { stdout } = await runCommand(argv, { env: plainEnvironment(dirname(to)), timeoutMs: TIMEOUT_MS });
  return statOf(stdout, 'Total bytes sent') + statOf(stdout, 'Total bytes received');
}

export interface TreeTransfer {
  readonly transferMs: number;
  readonly digestMs: number;
  readonly syncMs: number;
}

/** `rsync -a --link-dest` into a new folder beside the old one, `sha256sum` of every file, `sync -f`. */
export async function rsyncBeside(
  server: SshServer,
  { from, to, old }: { from: string; to: string; old: string },
): Promise<TreeTransfer> {
  const env = plainEnvironment(dirname(to));
  const argv = [...rsync(server), '-a', `--link-dest=${old}`, '--exclude', '/.git', `${from}/`, `host:${to}/`];
  const transfer = await runCommand(argv, { env, timeoutMs: TIMEOUT_MS });
  const list = 'find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum';
  const digest = await runCommand(['/bin/sh', '-c', list], { cwd: to, env, timeoutMs: TIMEOUT_MS });
  const sync = await runCommand(['sync', '-f', to], { env, timeoutMs: TIMEOUT_MS });
  return { transferMs: transfer.ms, digestMs: digest.ms, syncMs: sync.ms };
}

/** Of `Total bytes sent: 423,637`. */
export function statOf(stats: string, name: string): number {
  const [, digits] = new RegExp(`^${name}: ([\\d,]+)$`, 'm').exec(stats) ?? [];
  if (digits === undefined) throw new Error(`rsync does not tell its "${name}"`);
  return Number(digits.replaceAll(',', ''));
}

function rsync(server: SshServer): string[] {
  return [PEER_PROGRAMS.rsync.command, '--rsh', `ssh -F ${server.clientConfig()}`];
}
