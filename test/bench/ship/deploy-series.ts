/** Pairs of whole deployments of the sample payload: Keyturn's, and a peer's with the same gates. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { checkOut, makePayloadRepository, PRODUCTION_SQL } from '../../../scripts/demo/payload-repository.ts';
import { makeDatabase } from '../../../scripts/demo/programs.ts';
import type { ControlPlane } from '../keyturn/control-plane.ts';
import { type Deployment, deploy, rollBack } from '../keyturn/deployment.ts';
import type { BenchHost } from '../keyturn/host.ts';
import { buildBundle } from '../keyturn/release.ts';
import { digestOfFolder, isDeployManifest } from '../measure/folder-digest.ts';
import {
  INSTALLATION,
  NEIGHBOUR,
  type Payload,
  type PeerDeployment,
  type PeerHost,
  packParcel,
} from '../peers/peer-deployment.ts';
import { APPS } from './apps.ts';
import type { Bench } from './bench.ts';
import { assertSame } from './same-work.ts';

const RELEASE = `${APPS.payload}@v0.6`;
const INSTALL_ROOT = '/opt/incomex/dot';
const GATES = ['G0', 'G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G7', 'G8'];
/** Of the gates on the host: G0 to G2 were proven when the release was built, G8 is the report itself. */
const HOST_GATES = ['G3', 'G4', 'G5', 'G6', 'G7'];

export interface DeployPair {
  readonly ours: Deployment;
  readonly theirs: PeerDeployment;
}

interface Stage {
  readonly plane: ControlPlane;
  readonly host: BenchHost;
  readonly payload: Payload;
}

export type PeerDeploy = (host: PeerHost) => Promise<PeerDeployment>;

/** A running agent; its installation is taken away again after each pair, outside the timed path. */
export async function deployPairs(bench: Bench, name: string, peer: PeerDeploy): Promise<DeployPair[]> {
  const server = await bench.sshServer();
  const stage = await bench.once('deploy-stage', () => setStage(bench));
  const parcel = await bench.once('deploy-parcel', () => packParcel(bench.newFolder('parcel'), stage.payload));
  const pairs: DeployPair[] = [];
  for (let round = 1; round <= bench.scale.pairs; round += 1) {
    bench.say(`deployment ${round} of ${bench.scale.pairs}, against ${name}`);
    const ours = await deployOnce(stage, async () =>
      digestOfFolder(join(stage.host.installRoot, INSTALLATION), isDeployManifest),
    );
    const folder = bench.newFolder('peer-hosts', `${name}-${round}`);
    const theirs = await peer({ server, parcel, folder, repository: stage.payload.repository });
    assertSameDeployment(ours, theirs);
    pairs.push({ ours: ours.deployment, theirs });
  }
  return pairs;
}

/** Deployments without a peer. */
export async function ownDeployments(bench: Bench): Promise<Deployment[]> {
  const stage = await bench.once('deploy-stage', () => setStage(bench));
  const deployments: Deployment[] = [];
  for (let round = 1; round <= bench.scale.pairs; round += 1) {
    bench.say(`deployment ${round} of ${bench.scale.pairs}`);
    deployments.push((await deployOnce(stage, async () => undefined)).deployment);
  }
  return deployments;
}

async function deployOnce<T>(
  { plane, host }: Stage,
  look: () => Promise<T>,
): Promise<{ deployment: Deployment; seen: T }> {
  const deployment = await deploy(plane, { host, release: RELEASE });
  const seen = await look();
  await rollBack(plane, { host, release: RELEASE });
  return { deployment, seen };
}

function assertSameDeployment(
  ours: { deployment: Deployment; seen: { digest: string; files: number } },
  theirs: PeerDeployment,
): void {
  assertSame('number of tests', ours.deployment.tests, theirs.tests);
  assertSame('number of files', ours.deployment.files, theirs.files);
  assertSame('installed content', ours.seen, digestOfFolder(theirs.path));
  assertSame('gates', ours.deployment.gates, GATES);
  assertSame(
    'gates on the host',
    ours.deployment.gates.filter((gate) => HOST_GATES.includes(gate)),
    theirs.gates,
  );
}

/** A dry run waits for people, and no peer has one: it is left out on both sides. Gives the path of what is left. */
function withoutDryRun(repository: string, path: string): string {
  const document = parse(readFileSync(join(repository, 'keyturn.yaml'), 'utf8')) as { gates: { G6: object[] } };
  document.gates.G6 = document.gates.G6.filter((check) => !Object.hasOwn(check, 'dryrun'));
  writeFileSync(path, stringify(document));
  return path;
}

async function setStage(bench: Bench): Promise<Stage> {
  const plane = await bench.plane();
  const repository = join(bench.newFolder('payload'), 'repository');
  makePayloadRepository(repository);
  const config = withoutDryRun(repository, join(bench.folder, 'payload', 'keyturn.yaml'));
  const { bundle } = await buildBundle(plane, { repository, ref: 'v0.6', config });
  await plane.run(['release', 'push', bundle]);
  const archive = join(bench.folder, 'payload', 'release.tar.gz');
  await plane.run(['release', 'export', bundle, '--out', archive]);
  const host = await bench.newHost(plane, { installRoot: INSTALL_ROOT });
  mkdirSync(host.installRoot, { recursive: true });
  checkOut(repository, { ref: 'v0.4.0-dryrun-skeleton', into: join(host.installRoot, NEIGHBOUR) });
  const database = join(bench.folder, 'payload', 'production.sqlite');
  makeDatabase(database, [PRODUCTION_SQL.schema, PRODUCTION_SQL.seed]);
  for (const secret of ['governance_ro', 'governance_rw']) await host.storeSecret(secret, `sqlite://${database}`);
  await host.start();
  return { plane, host, payload: { repository, archive } };
}
