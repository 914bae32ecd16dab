/**
 * Rounds of one large file to a host that has nothing of it: Keyturn, scp, curl and Node's bare stream, one after the
 * other. Every host is new, its agent too; the source is in the page cache for all of them.
 */
import { join } from 'node:path';
import type { ControlPlane } from '../keyturn/control-plane.ts';
import { deploy } from '../keyturn/deployment.ts';
import { msBetween } from '../keyturn/ledger-times.ts';
import { sha256OfFile } from '../measure/folder-digest.ts';
import { RelayProcess } from '../measure/relay-process.ts';
import { bareStreamMs } from '../peers/bare-stream.ts';
import { copyByCurl, copyByScp, type Transfer, warm } from '../peers/file-transfer.ts';
import { PeerMissing } from '../peers/packages.ts';
import type { SshServer } from '../peers/ssh-server.ts';
import { WebServer } from '../peers/web-server.ts';
import { APPS } from './apps.ts';
import type { Bench } from './bench.ts';
import { ONE_FILE, type OneFileRelease, publishOneFile } from './one-file-release.ts';
import { assertSame } from './same-work.ts';
import { settleDisk } from './settle.ts';

export type TransferSize = '100 MiB' | '1 GiB';

/** Each way: a round trip takes twice as long. */
export const LINK_DELAY_MS = 10;

export interface TransferRound {
  /** From the phase `fetching` to the phase `staged`: received, verified, durable. */
  readonly oursMs: number;
  readonly bytes: number;
  /** Undefined where the peer is missing, or takes no part. */
  readonly scp?: Transfer | undefined;
  readonly curl?: Transfer | undefined;
  readonly bareMs?: number | undefined;
}

const APP_OF = { '100 MiB': APPS.transfer100MiB, '1 GiB': APPS.transfer1GiB } as const;

export function transferRounds(bench: Bench, size: TransferSize): Promise<TransferRound[]> {
  return bench.once(`transfers ${size}`, async () => {
    const release = await releaseOf(bench, size);
    const peers = await peersOf(bench, release);
    return rounds(bench, `transfer of ${size}`, async (round) => {
      const oursMs = await receive(bench, { release, plane: await bench.plane() });
      const folder = bench.newFolder('transfers', `${size.replace(' ', '-')}-${round}`);
      const scp = await peers.scp?.(join(folder, 'scp', ONE_FILE));
      await settleDisk(bench.folder);
      const curl = await peers.curl?.(join(folder, 'curl', ONE_FILE));
      await settleDisk(bench.folder);
      const bareMs = await peers.bare?.();
      for (const copy of [scp, curl]) if (copy) assertSame('digest', release.sha256, copy.sha256);
      bench.discard(folder);
      return { oursMs, bytes: release.bytes, scp, curl, bareMs };
    });
  });
}

/** The same through a link of 20 ms round trip, for Keyturn and for scp. */
export function distantRounds(bench: Bench, size: TransferSize): Promise<TransferRound[]> {
  return bench.once(`distant transfers ${size}`, async () => {
    const release = await releaseOf(bench, size);
    const plane = await bench.plane();
    const server = await bench.sshServer();
    const toPlane = bench.hold(await RelayProcess.start({ port: plane.gateway.port, delayMs: LINK_DELAY_MS }));
    const toServer = bench.hold(await RelayProcess.start({ port: server.port, delayMs: LINK_DELAY_MS }));
    return rounds(bench, `transfer of ${size} over 20 ms`, async (round) => {
      const oursMs = await receive(bench, { release, plane, gateway: `127.0.0.1:${toPlane.port}` });
      const folder = bench.newFolder('transfers', `${size.replace(' ', '-')}-20ms-${round}`);
      const to = join(folder, ONE_FILE);
      const scp = await copyByScp(server, { from: release.source, to, port: toServer.port });
      assertSame('digest', release.sha256, scp.sha256);
      await settleDisk(bench.folder);
      bench.discard(folder);
      return { oursMs, bytes: release.bytes, scp };
    });
  });
}

/** What the delay relay lets through by itself, in bytes each second: a bare TLS stream over it. */
export function linkBytesPerSecond(bench: Bench): Promise<number> {
  return bench.once('bare link', async () => {
    const { node } = await bench.programs();
    const bytes = bench.scale.transferBytes['1 GiB'];
    const certificates = await bench.certificates();
    return (1000 * bytes) / (await bareStreamMs({ node, certificates, bytes, delayMs: LINK_DELAY_MS }));
  });
}

/** A fresh host receives the release; returns how long that took it. */
async function receive(
  bench: Bench,
  { release, plane, gateway }: { release: OneFileRelease; plane: ControlPlane; gateway?: string },
): Promise<number> {
  const host = await bench.newHost(plane, gateway === undefined ? {} : { gateway });
  await host.start();
  const { times, copiedBytes } = await deploy(plane, { host, release: release.name });
  await host.stop();
  const path = join(host.installRoot, release.installation);
  assertSame('digest', sha256OfFile(join(path, ONE_FILE)), release.sha256);
  assertSame('bytes that the host had before', copiedBytes, 0);
  await settleDisk(bench.folder);
  bench.discard(path);
  return msBetween(times, 'fetching', 'staged');
}

export function releaseOf(bench: Bench, size: TransferSize): Promise<OneFileRelease> {
  return bench.once(`release ${size}`, async () => {
    bench.say(`building a release of ${size}`);
    const bytes = bench.scale.transferBytes[size];
    const folder = bench.newFolder('repositories', APP_OF[size]);
    const release = await publishOneFile(await bench.plane(), { folder, app: APP_OF[size], bytes });
    warm(release.source);
    return release;
  });
}

interface Peers {
  readonly scp: ((to: string) => Promise<Transfer>) | undefined;
  readonly curl: ((to: string) => Promise<Transfer>) | undefined;
  readonly bare: (() => Promise<number>) | undefined;
}

async function peersOf(bench: Bench, release: OneFileRelease): Promise<Peers> {
  const { node } = await bench.programs();
  const { folder: content, source: from, bytes } = release;
  const server = await unlessMissing<SshServer>(() => bench.sshServer());
  const certificates = await unlessMissing(() => bench.certificates());
  const web = await unlessMissing(async () => {
    const folder = bench.newFolder('nginx', release.installation);
    return bench.hold(await WebServer.start({ folder, certificates: await bench.certificates(), content }));
  });
  return {
    scp: server && ((to) => copyByScp(server, { from, to })),
    curl: web && ((to) => copyByCurl(web, { name: ONE_FILE, to })),
    bare: certificates === undefined ? undefined : () => bareStreamMs({ node, certificates, bytes }),
  };
}

/** One missing peer leaves out its figure, not the others. */
async function unlessMissing<T>(make: () => Promise<T>): Promise<T | undefined> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof PeerMissing) return undefined;
    throw error;
  }
}

async function rounds<T>(bench: Bench, what: string, run: (round: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  for (let round = 1; round <= bench.scale.pairs; round += 1) {
    bench.say(`${what}, ${round} of ${bench.scale.pairs}`);
    await settleDisk(bench.folder);
    done.push(await run(round));
  }
  return done;
}
