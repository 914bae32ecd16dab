/** The same release with few and with many small files, to hosts that have nothing of it. */
import { join } from 'node:path';
import type { ControlPlane } from '../keyturn/control-plane.ts';
import { deploy } from '../keyturn/deployment.ts';
import { msBetween } from '../keyturn/ledger-times.ts';
import { ReleaseRepository } from '../keyturn/release.ts';
import { digestOfFolder, isDeployManifest } from '../measure/folder-digest.ts';
import { Seeded } from '../measure/seeded-content.ts';
import { APPS } from './apps.ts';
import type { Bench } from './bench.ts';
import { assertSame } from './same-work.ts';
import { quickNote } from './scale.ts';
import { settleDisk } from './settle.ts';

/** Milliseconds for each file. */
export interface GrowthReading {
  readonly stagingMs: number;
  readonly ownMs: number;
}

export interface GrowthRound {
  readonly few: GrowthReading;
  readonly many: GrowthReading;
}

interface Release {
  readonly name: string;
  readonly installation: string;
  /** Of the tree, `keyturn.yaml` and `README` included. */
  readonly content: { readonly digest: string; readonly files: number };
}

export function growthRounds(bench: Bench): Promise<GrowthRound[]> {
  return bench.once('growth', async () => {
    const plane = await bench.plane();
    const { few, many } = bench.scale.growth;
    const small = await publishFiles(bench, { plane, app: APPS.fewFiles, count: few });
    const large = await publishFiles(bench, { plane, app: APPS.manyFiles, count: many });
    const rounds: GrowthRound[] = [];
    for (let round = 1; round <= bench.scale.pairs; round += 1) {
      bench.say(`${few} and ${many} files, ${round} of ${bench.scale.pairs}`);
      rounds.push({
        few: await receive(bench, { plane, release: small }),
        many: await receive(bench, { plane, release: large }),
      });
    }
    return rounds;
  });
}

/** Each file has 1 to 2 KiB of text of its own, a hundred to a folder. */
async function publishFiles(
  bench: Bench,
  { plane, app, count }: { plane: ControlPlane; app: string; count: number },
): Promise<Release> {
  bench.say(`building a release of ${count} small files`);
  const seeded = new Seeded(app);
  const repository = await ReleaseRepository.create(bench.newFolder('repositories', app), app);
  for (let index = 0; index < count; index += 1) {
    const lines = seeded.textLines(1024 + seeded.below(1000));
    repository.write(`part-${Math.floor(index / 100)}/file-${index}.txt`, `${lines.join('\n')}\n`);
  }
  await repository.commit('v1');
  const name = await repository.publish(plane, 'v1');
  const content = digestOfFolder(repository.path, isOfGit);
  return { name, installation: `${app}-v1`, content };
}

function isOfGit(path: string): boolean {
  return path === '.git' || path.startsWith('.git/');
}

async function receive(
  bench: Bench,
  { plane, release }: { plane: ControlPlane; release: Release },
): Promise<GrowthReading> {
  const host = await bench.newHost(plane);
  await host.start();
  await settleDisk(bench.folder);
  const { times, ownMs } = await deploy(plane, { host, release: release.name });
  await host.stop();
  const path = join(host.installRoot, release.installation);
  assertSame('installed content', digestOfFolder(path, isDeployManifest), release.content);
  bench.discard(path);
  const { files } = release.content;
  return { stagingMs: msBetween(times, 'fetching', 'staged') / files, ownMs: ownMs / files };
}

export function growthNote({ scale }: Bench): string[] {
  return quickNote(scale, `${scale.growth.many} files ÷ ${scale.growth.few}`);
}
