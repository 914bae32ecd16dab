/** A release of one large file that nothing compresses: the worst case for whoever sends content cleverly. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlPlane } from '../keyturn/control-plane.ts';
import { ReleaseRepository } from '../keyturn/release.ts';
import { sha256OfFile } from '../measure/folder-digest.ts';
import { Seeded } from '../measure/seeded-content.ts';

export const ONE_FILE = 'payload.bin';
const PIECE_BYTES = 8 * 1024 * 1024;

export interface OneFileRelease {
  readonly name: string;
  /** Its name in the install root. */
  readonly installation: string;
  /** Holds `payload.bin`. */
  readonly folder: string;
  readonly source: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface OneFileSpec {
  readonly folder: string;
  readonly app: string;
  readonly bytes: number;
}

export async function publishOneFile(
  plane: ControlPlane,
  { folder, app, bytes }: OneFileSpec,
): Promise<OneFileRelease> {
  const repository = await ReleaseRepository.create(folder, app);
  const source = join(folder, ONE_FILE);
  writeRandom(source, { seed: app, bytes });
  await repository.commit('v1');
  const name = await repository.publish(plane, 'v1');
  rmSync(join(folder, '.git'), { recursive: true });
  return { name, installation: `${app}-v1`, folder, source, sha256: sha256OfFile(source), bytes };
}

function writeRandom(path: string, { seed, bytes }: { seed: string; bytes: number }): void {
  const seeded = new Seeded(seed);
  const file = openSync(path, 'w');
  for (let left = bytes; left > 0; left -= PIECE_BYTES) writeSync(file, seeded.bytes(Math.min(left, PIECE_BYTES)));
  fsyncSync(file);
  closeSync(file);
}
