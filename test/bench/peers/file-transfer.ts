/**
 * One file to a host by the tools that people use: moved, its digest taken, synced to disk. The digest is taken by a local
 * process on the same machine, which spares the peers a second connection.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { PEER_PROGRAMS } from './packages.ts';
import type { SshServer } from './ssh-server.ts';
import type { WebServer } from './web-server.ts';

export interface Transfer {
  readonly transferMs: number;
  readonly digestMs: number;
  readonly syncMs: number;
  readonly sha256: string;
}

export interface TransferRequest {
  readonly from: string;
  readonly to: string;
}

const TIMEOUT_MS = 10 * 60_000;

/** `scp`, then `sha256sum`. `port` is a relay's when there is one in between. */
export async function copyByScp(
  server: SshServer,
  { from, to, port }: TransferRequest & { port?: number },
): Promise<Transfer> {
  const transferMs = await timed(['scp', '-q', '-F', server.clientConfig(port), from, `host:${to}`], to);
  return { transferMs, ...(await digestAndSync(['sha256sum', to], to)) };
}

/** `curl` from nginx over TLS 1.3 with a client certificate, then `openssl dgst -sha256`. */
export async function copyByCurl(server: WebServer, { name, to }: { name: string; to: string }): Promise<Transfer> {
  const at = (file: string) => join(server.certificates, file);
  const identity = ['--cacert', at('ca.crt'), '--cert', at('client.crt'), '--key', at('client.key')];
  const url = `https://localhost:${server.port}/${name}`;
  const argv = [
    PEER_PROGRAMS.curl.command,
    '--silent',
    '--fail',
    '--tlsv1.3',
    '--noproxy',
    '*',
    ...identity,
    '--output',
    to,
    url,
  ];
  const transferMs = await timed(argv, to);
  return { transferMs, ...(await digestAndSync(['openssl', 'dgst', '-sha256', '-r', to], to)) };
}

/** All of it: what is done when the file is received, verified and durable. */
export function wholeMs({ transferMs, digestMs, syncMs }: Transfer): number {
  return transferMs + digestMs + syncMs;
}

/** So that the first of the peers does not pay for reading the source from disk. */
export function warm(path: string): void {
  readFileSync(path);
}

async function timed(argv: readonly string[], to: string): Promise<number> {
  mkdirSync(dirname(to), { recursive: true });
  return (await runCommand(argv, { env: plainEnvironment(dirname(to)), timeoutMs: TIMEOUT_MS })).ms;
}

async function digestAndSync(argv: readonly string[], to: string): Promise<Omit<Transfer, 'transferMs'>> {
  const env = plainEnvironment(dirname(to));
  const digest = await runCommand(argv, { env, timeoutMs: TIMEOUT_MS });
  const sync = await runCommand(['sync', to, dirname(to)], { env, timeoutMs: TIMEOUT_MS });
  return { digestMs: digest.ms, syncMs: sync.ms, sha256: digest.stdout.slice(0, 64) };
}
