/** Twenty changed files of a large tree, version after version: to a host that has the one before. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../keyturn/control-plane.ts';
import { type Deployment, deploy } from '../keyturn/deployment.ts';
import type { BenchHost } from '../keyturn/host.ts';
import { instantOf, msBetween } from '../keyturn/ledger-times.ts';
import { ReleaseRepository } from '../keyturn/release.ts';
import { digestOfFolder, isDeployManifest } from '../measure/folder-digest.ts';
import { bytesBetween, RelayProcess } from '../measure/relay-process.ts';
import { requirePeers } from '../peers/packages.ts';
import type { SshServer } from '../peers/ssh-server.ts';
import { rsyncBeside, rsyncInPlace, type TreeTransfer } from '../peers/tree-transfer.ts';
import { APPS } from './apps.ts';
import type { Bench } from './bench.ts';
import { changeTree, makeTree, type TreeFile } from './changed-tree.ts';
import { assertSame } from './same-work.ts';
import { settleDisk } from './settle.ts';

export interface ChangedRound {
  /** Through the relay in front of the gateway, both ways, TLS and trust metadata included, from the order to `staged`. */
  readonly oursBytes: number;
  /** Of those: content of files, before TLS, as the host's ledger counts it. */
  readonly contentBytes: number;
  readonly rsyncBytes: number;
  readonly oursMs: number;
  readonly rsync: TreeTransfer;
  readonly changedBytes: number;
}

interface Stage {
  readonly bench: Bench;
  readonly plane: ControlPlane;
  readonly server: SshServer;
  readonly repository: ReleaseRepository;
  readonly files: readonly TreeFile[];
  /** Its link is counted. */
  readonly counted: BenchHost;
  /** Its time is taken. */
  readonly timed: BenchHost;
  readonly relay: RelayProcess;
  /** The folders of rsync's host. */
  readonly inPlace: string;
  readonly beside: string;
}

export function changedRounds(bench: Bench): Promise<ChangedRound[]> {
  return bench.once('changed files', async () => {
    requirePeers(['rsync']);
    const stage = await setStage(bench);
    const rounds: ChangedRound[] = [];
    for (let round = 1; round <= bench.scale.pairs; round += 1) {
      bench.say(`changed files, ${round} of ${bench.scale.pairs}`);
      rounds.push(await changeAndSend(stage, round));
    }
    await Promise.all([stage.counted.stop(), stage.timed.stop()]);
    return rounds;
  });
}

async function setStage(bench: Bench): Promise<Stage> {
  bench.say(`building a release of ${bench.scale.changed.files} files`);
  const plane = await bench.plane();
  const server = await bench.sshServer();
  const repository = await ReleaseRepository.create(
    bench.newFolder('repositories', APPS.changedFiles),
    APPS.changedFiles,
  );
  const files = makeTree(bench.scale.changed.files);
  for (const { path, content } of files) repository.write(path, content);
  await repository.commit('v0');
  const release = await repository.publish(plane, 'v0');
  const relay = bench.hold(await RelayProcess.start({ port: plane.gateway.port, delayMs: 0 }));
  const counted = await bench.newHost(plane, { gateway: `127.0.0.1:${relay.port}` });
  const timed = await bench.newHost(plane);
  for (const host of [counted, timed]) {
    await host.start();
    await deploy(plane, { host, release });
  }
  const peers = bench.newFolder('rsync-host');
  const stage = { bench, plane, server, repository, files, counted, timed, relay };
  for (const folder of ['in-place', 'beside-0']) copyTree(repository.path, join(peers, folder));
  return { ...stage, inPlace: join(peers, 'in-place'), beside: join(peers, 'beside') };
}

/** As rsync would have left it: times and modes kept. */
function copyTree(from: string, to: string): void {
  cpSync(from, to, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => !path.startsWith(join(from, '.git')),
  });
}

async function changeAndSend(stage: Stage, round: number): Promise<ChangedRound> {
  const { bench, plane, repository, timed, server, inPlace, beside } = stage;
  const changed = changeTree(stage.files, round - 1);
  for (const { path, content } of changed) repository.write(path, content);
  await repository.commit(`v${round}`);
  const release = await repository.publish(plane, `v${round}`);
  await settleDisk(bench.folder);
  const counted = await deployCounted(stage, release);
  await settleDisk(bench.folder);
  const ours = await deploy(plane, { host: timed, release });
  await settleDisk(bench.folder);
  const from = repository.path;
  const to = `${beside}-${round}`;
  const rsync = await rsyncBeside(server, { from, to, old: `${beside}-${round - 1}` });
  await settleDisk(bench.folder);
  const rsyncBytes = await rsyncInPlace(server, { from, to: inPlace });
  const installed = [stage.counted, timed].map((host) => join(host.installRoot, `${APPS.changedFiles}-v${round}`));
  assertSameTrees(installed, [to, inPlace]);
  const changedBytes = changed.reduce((sum, { content }) => sum + content.length, 0);
  return { ...counted, rsyncBytes, oursMs: msBetween(ours.times, 'fetching', 'staged'), rsync, changedBytes };
}

async function deployCounted({ plane, counted, relay }: Stage, release: string) {
  const deployment = await deploy(plane, { host: counted, release });
  const { up, down } = bytesBetween(await relay.passed(), windowOf(deployment));
  return { oursBytes: up + down, contentBytes: deployment.fetchedBytes };
}

function windowOf({ times }: Deployment): { fromMs: number; toMs: number } {
  return { fromMs: times.orderedAtMs, toMs: instantOf(times.enteredAtMs, 'staged') };
}

function assertSameTrees(ours: readonly string[], theirs: readonly string[]): void {
  const [first, ...others] = [
    ...ours.map((path) => digestOfFolder(path, isDeployManifest)),
    ...theirs.map((path) => digestOfFolder(path)),
  ];
  for (const other of others) assertSame('content of the tree', first, other);
}
