/**
 * Sockets that wait for the network, from /proc/net: TCP in state LISTEN, UDP without a peer. For each reading the kernel
 * walks its whole table, which takes milliseconds however few there are: other work goes on meanwhile.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../../shared/errors.ts';

export interface ListeningPort {
  /** `tcp 0.0.0.0:443`, `udp [::]:53`. */
  readonly address: string;
  /** Of the socket, as in `/proc/<pid>/fd`. */
  readonly inode: string;
}

const TABLES = [
  { file: 'tcp', protocol: 'tcp', state: '0A' },
  { file: 'tcp6', protocol: 'tcp', state: '0A' },
  { file: 'udp', protocol: 'udp', state: '07' },
  { file: 'udp6', protocol: 'udp', state: '07' },
] as const;

/** In the kernel's order. A table that this kernel does not have is empty. */
export async function listeningPorts(procRoot: string): Promise<ListeningPort[]> {
  const read = TABLES.map(async ({ file, protocol, state }) =>
    (await rowsOf(join(procRoot, 'net', file)))
      .filter((row) => row[3] === state)
      .map((row) => ({ address: `${protocol} ${addressText(row[1] ?? '')}`, inode: row[9] ?? '' })),
  );
  return (await Promise.all(read)).flat();
}

/** `0100007F:1F90` is 127.0.0.1:8080: words of four bytes in the byte order of the processor, then the port. */
export function addressText(field: string): string {
  const [host = '', port = ''] = field.split(':');
  const bytes = (host.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.map((byte) => Number.parseInt(byte, 16)).join('.')}:${number}`;
  const groups = (bytes.join('').match(/.{4}/g) ?? []).join(':').toLowerCase();
  return `[${new URL(`http://[${groups}]/`).hostname.slice(1, -1)}]:${number}`;
}

async function rowsOf(path: string): Promise<string[][]> {
  try {
    const lines = (await readFile(path, 'utf8')).trim().split('\n').slice(1);
    return lines.map((line) => line.trim().split(/\s+/));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return []; // a kernel without IPv6
    throw error;
  }
}
